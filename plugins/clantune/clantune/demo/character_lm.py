"""A character language model, trained by a clan from bad initial hyperparameters.

    clantune demo

Four processes train on the source code of the Python standard library: once as a clan, and once as
plain data-parallel training with the same initial settings, warm-up and cooldown.
"""

import argparse
import os
import sysconfig
import time
from collections.abc import Sequence
from math import nan
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import LambdaLR

from clantune import Clan, RoundRecord, clan_loader

CONTEXT, WIDTH, BATCH = 32, 32, 8
LR = float(os.environ.get("LR", "0.06"))  # about six times too high
WEIGHT_DECAY, BETA2 = 1.0, 0.8  # the decay is far too strong
WARMUP, COOLDOWN = 0.1, 0.2
GENES = ("lr", "weight_decay")
MODULES = ("argparse", "ast", "calendar", "configparser", "csv", "datetime", "difflib", "textwrap")


class Windows(torch.utils.data.Dataset[tuple[Tensor, Tensor]]):
    """Pieces of a text; the targets are the same characters shifted by one."""

    def __init__(self, text: Tensor) -> None:
        self.text = text

    def __len__(self) -> int:
        return (len(self.text) - 1) // CONTEXT

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor]:
        begin = place * CONTEXT
        return self.text[begin : begin + CONTEXT], self.text[begin + 1 : begin + CONTEXT + 1]

    def some(self, count: int) -> tuple[Tensor, Tensor]:
        """Return windows at equal distances in the text, the same ones in every call."""
        places = torch.linspace(0, len(self) - 1, count).long().tolist()
        inputs, targets = zip(*(self[place] for place in places), strict=True)
        return torch.stack(inputs), torch.stack(targets)


class Writer(nn.Module):
    """A transformer with one causal block."""

    def __init__(self, letters: int) -> None:
        super().__init__()
        self.letters = nn.Embedding(letters, WIDTH)
        self.places = nn.Embedding(CONTEXT, WIDTH)
        self.block = nn.TransformerEncoderLayer(
            WIDTH, 2, 4 * WIDTH, dropout=0.0, batch_first=True, norm_first=True
        )
        self.out = nn.Linear(WIDTH, letters)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT))

    def forward(self, text: Tensor) -> Tensor:
        """Return a score for each letter that may follow."""
        hidden = self.letters(text) + self.places(torch.arange(CONTEXT))
        out: Tensor = self.out(self.block(hidden, src_mask=self.mask, is_causal=True))
        return out


def texts() -> tuple[int, list[Windows]]:
    """Return the number of distinct characters, and windows for training, validation and test."""
    library = Path(sysconfig.get_path("stdlib"))
    text = "".join((library / f"{module}.py").read_text("utf-8") for module in MODULES)
    letters = sorted(set(text))
    numbers = torch.tensor([letters.index(letter) for letter in text])
    lengths = [len(numbers) * 8 // 10, len(numbers) // 10]
    parts = numbers.split([*lengths, len(numbers) - sum(lengths)])
    return len(letters), [Windows(part) for part in parts]


def loss_on(model: nn.Module, windows: tuple[Tensor, Tensor]) -> float:
    """Return the mean loss per letter."""
    with torch.no_grad():
        inputs, targets = windows
        return cross_entropy(model(inputs).flatten(0, 1), targets.flatten()).item()


def optimizer_of(model: nn.Module) -> torch.optim.Optimizer:
    """Return an optimizer with the bad settings."""
    return torch.optim.AdamW(
        model.parameters(), lr=LR, weight_decay=WEIGHT_DECAY, betas=(0.9, BETA2)
    )


def ramp_of(optimizer: torch.optim.Optimizer, steps: int) -> LambdaLR:
    """Return a scheduler that warms a run of so many steps up, and cools it down."""

    def share(step: int) -> float:
        rises, falls = (step + 1) / (WARMUP * steps), (steps - step) / (COOLDOWN * steps)
        return max(0.0, min(1.0, rises, falls))

    return LambdaLR(optimizer, share)


def train_plainly(letters: int, train: Windows, steps: int) -> nn.Module:
    """Return a model after plain data-parallel training with the same warm-up and cooldown."""
    torch.manual_seed(0)
    model = DistributedDataParallel(Writer(letters), forward_sync_buffers=False)
    optimizer = optimizer_of(model)
    scheduler = ramp_of(optimizer, steps)
    loader = clan_loader(train, BATCH, round_length=steps, duty_cycle=0.0)
    done = 0
    while done < steps:
        for inputs, targets in loader:
            cross_entropy(model(inputs).flatten(0, 1), targets.flatten()).backward()
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
            done += 1
            if done == steps:
                break
    return model


def train_as_a_clan(
    letters: int, train: Windows, validation: Windows, steps: int, history: Path | None
) -> Clan:
    """Return a clan after the same training, in which every process is a member."""
    torch.manual_seed(0)
    model = Writer(letters)
    clan = Clan(
        model=model,
        optimizer=optimizer_of(model),
        total_steps=steps,
        autobind=["adamw"],
        warmup=WARMUP,
        cooldown=COOLDOWN,
        strategies="cautious",
        observers=[show],
        history=history,
    )
    windows = validation.some(256)
    loader = clan.loader(train, BATCH)
    say(f"starts with lr {LR}, weight decay {WEIGHT_DECAY}, beta2 {BETA2}; the clan's centre:")
    say("  round          lr  weight decay  held-out loss")
    for member in clan.rounds():
        for inputs, targets in member.batches(loader):
            cross_entropy(member.model(inputs).flatten(0, 1), targets.flatten()).backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
        clan.step(lambda model: loss_on(model, windows))
    return clan


def show(records: Sequence[RoundRecord]) -> None:
    """Print the centre of the clan in a round, and its loss."""
    lr, decay = (geometric_mean([record.genes[name] for record in records]) for name in GENES)
    say(f"{records[0].round:>7}  {lr:>10.5f}  {decay:>12.5f}  {records[0].centre or nan:>13.4f}")


def geometric_mean(values: list[float]) -> float:
    """Return the geometric mean."""
    return torch.tensor(values).log().mean().exp().item()


def main() -> None:
    """Train both models and print their losses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500, help="steps of each run (default: 1500)")
    parser.add_argument("--folder", type=Path, help="folder for the clan's history and schedule")
    arguments = parser.parse_args()
    steps: int = arguments.steps
    folder: Path | None = arguments.folder
    torch.set_num_threads(1)
    dist.init_process_group("gloo")  # otherwise the clan initializes and destroys one
    letters, (train, validation, test) = texts()

    began = time.perf_counter()
    history = None if folder is None else folder / "history.jsonl"
    clan = train_as_a_clan(letters, train, validation, steps, history)
    clan_seconds = time.perf_counter() - began
    if folder is not None:
        clan.export_schedule(folder / "schedule.json")
    found = loss_on(clan.best(), test.some(1024))
    began = time.perf_counter()
    rival = loss_on(train_plainly(letters, train, steps), test.some(1024))
    rival_seconds = time.perf_counter() - began
    say(f"\nloss on test data, {steps} steps of {dist.get_world_size()} processes")
    say(f"  plain data-parallel training  {rival:.4f}  in {rival_seconds:.0f} s")
    say(f"  the clan                      {found:.4f}  in {clan_seconds:.0f} s")
    dist.destroy_process_group()


def say(text: str) -> None:
    """Print a text once, not in every process."""
    if dist.get_rank() == 0:
        print(text, flush=True)


if __name__ == "__main__":
    main()
