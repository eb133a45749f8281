"""Scripts with Accelerate, with a clan and without. Run by torchrun; each rank writes a report."""

import json
import os
import sys
from pathlib import Path

import attrs
import torch
from accelerate import Accelerator
from accelerate.tracking import GeneralTracker, on_main_process
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from clantune.accelerate import accelerate_clan
from clantune_clan import ClanError, clan_loader
from clantune_core import AbstractCrossbreedingStrategy, Ancestry
from clantune_strategies import as_specified

torch.set_num_threads(1)
X = torch.randn(384, 4, generator=torch.Generator().manual_seed(1))
Y = X[:, :1] * X[:, 1:2]
STEPS = 24


@attrs.frozen
class KeepOwn(AbstractCrossbreedingStrategy):
    """Each member keeps its own weights."""

    def select_ancestry(self, population_genomes, context):
        return Ancestry.sole(context.rank, population_genomes)


class Lines(GeneralTracker):
    """A tracker that keeps what it is given."""

    name, requires_logging_directory = "lines", False

    def __init__(self):
        super().__init__()
        self.lines = []

    @property
    def tracker(self):
        return self.lines

    @on_main_process
    def log(self, values, step=None, **_):
        self.lines.append([step, values])

    def store_init_configuration(self, values):
        pass


def prepared(**options):
    """Return what a script has after `accelerator.prepare`."""
    accelerator = Accelerator(cpu=True, **options)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Dropout(0.1), nn.Linear(16, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 40, gamma=0.5)
    loader = DataLoader(TensorDataset(X, Y), batch_size=4, shuffle=True)
    return accelerator, *accelerator.prepare(model, optimizer, loader, scheduler)


def step_of(accelerator, model, optimizer, scheduler, batch):
    """A step as in the documentation of Accelerate."""
    x, y = batch
    with accelerator.accumulate(model):
        loss = (model(x) - y).square().mean()
        accelerator.backward(loss)
        gradients = [p.grad.flatten().tolist() for p in model.parameters()]
        if accelerator.sync_gradients:
            accelerator.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    return loss.item(), gradients


def judge(model):
    return (model(X[:64]) - Y[:64]).square().mean()


def weights(model):
    return [parameter.flatten().tolist() for parameter in model.parameters()]


def with_a_clan(each=lambda clan, accelerator, loss, gradients: None, load=None, **options):
    """Train with a clan from the start, or from a checkpoint of Accelerate."""
    accelerating = options.pop("accelerating", {})
    accelerator, model, optimizer, loader, scheduler = prepared(**accelerating)
    accelerator.init_trackers("run")
    given = {"autobind": "auto", "total_steps": STEPS, "round_length": 8, "duty_cycle": 0.5}
    given |= {"strategies": as_specified(), "timeout": 30.0}
    clan, loader = accelerate_clan(
        accelerator, model, optimizer, loader, scheduler, **(given | options)
    )
    torch.manual_seed(100 + accelerator.process_index)
    if load is not None:
        accelerator.load_state(load)
    losses = []
    for member in clan.rounds():
        for batch in member.batches(loader):
            loss, gradients = step_of(accelerator, model, optimizer, scheduler, batch)
            losses.append(loss)
            each(member, accelerator, loss, gradients)
        clan.step(judge)
        each(None, accelerator, clan, None)
    records = [(record.round, record.member, record.metric) for record in clan.history]
    return losses, weights(model), records


def gradients_by_phase():
    seen = []

    def note(member, _, __, gradients):
        if member is not None:
            seen.append((member.mode, gradients))

    lines = Lines()
    with_a_clan(note, accelerating={"log_with": lines})
    return {"steps": seen, "lines": lines.lines}


def equal_members(accumulate):
    """Train a clan of equal members, and without a clan on the same batches."""
    accelerating = {"gradient_accumulation_steps": accumulate}
    options = {"strategies": [KeepOwn()], "autobind": (), "duty_cycle": 0.0, "seed": 3}
    options |= {"settings": {"evaluate": "weights"}, "accelerating": accelerating}
    _, found, _ = with_a_clan(**options)
    accelerator, model, optimizer, _, scheduler = prepared(**accelerating)
    loader = clan_loader(TensorDataset(X, Y), 4, round_length=8, duty_cycle=0.0, seed=3)
    torch.manual_seed(100 + accelerator.process_index)
    model.train()
    done = 0
    for _ in range(2):
        for batch in loader:
            if done < STEPS:
                step_of(accelerator, model, optimizer, scheduler, batch)
                done += 1
    return found == weights(model)


def resumed(folder):
    """Stop after the second round, and in other objects go on."""

    def save(member, accelerator, clan, _):
        if member is None and clan.run_state.round == 2:
            accelerator.save_state(str(folder))

    whole = with_a_clan(save, reduction="exact")
    losses, *rest = with_a_clan(load=str(folder), reduction="exact")
    return losses == whole[0][16:] and rest == [*whole[1:]]


def refused():
    accelerator, model, optimizer, loader, _ = prepared()
    clan, loader = accelerate_clan(accelerator, model, optimizer, loader, total_steps=8)
    messages = []
    with clan:
        try:
            accelerator.load_state(sys.argv[1] + "/plain")
        except ClanError as error:
            messages.append(str(error))
    return messages


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    answers = {
        "gradients": gradients_by_phase(),
        "equal": [equal_members(1), equal_members(2)],
        "resumed": resumed(folder / "checkpoint"),
    }
    accelerator, *_ = prepared()
    accelerator.save_state(str(folder / "plain"))
    answers["refused"] = refused()
    (folder / f"rank{os.environ['RANK']}.json").write_text(json.dumps(answers))
