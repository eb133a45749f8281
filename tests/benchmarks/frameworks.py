"""A step in a framework with a clan beside the same step without one. `--quick`: a glance.

Both train the same network on as many ranks, run after run in turns, by the framework's plain data
parallel training. Ends of rounds are not part of it: the clan has one round.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import torch
from _report import PACKAGES, bar, report, show_progress
from accelerate import Accelerator
from lightning.pytorch import Callback, LightningModule
from lightning.pytorch import Trainer as LightningTrainer
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader, TensorDataset
from transformers import Trainer, TrainerCallback, TrainingArguments

from clantune.accelerate import accelerate_clan
from clantune.lightning import ClanCallback as LightningClan
from clantune.transformers import ClanCallback as TrainerClan

RANKS = 2
BATCH = 32
WARM = 5
"""Steps of a run that do not count."""


@attrs.frozen
class Plan:
    """How much is measured."""

    turns: int
    steps: int
    width: int


PLANS = {"full": Plan(4, 60, 1280), "quick": Plan(1, 8, 32)}


class Clock:
    """Notes when steps end."""

    def __init__(self) -> None:
        self._ends: list[float] = []

    def tick(self) -> None:
        self._ends.append(time.perf_counter())

    def steps(self) -> list[float]:
        """Return the milliseconds of each step, without the first ones and the last one."""
        pairs = zip(self._ends[WARM:-1], self._ends[WARM - 1 : -2], strict=True)
        return [1e3 * (end - begin) for end, begin in pairs]


class Network(nn.Module):
    """A network that returns its loss, as the Trainer of Hugging Face wants it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        layers: list[nn.Module] = [nn.Linear(64, width), nn.ReLU()]
        for _ in range(3):
            layers += [nn.Linear(width, width), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": mse_loss(self.layers(x), labels)}


def data(steps: int) -> TensorDataset:
    x = torch.randn(steps * BATCH * RANKS, 64, generator=torch.Generator().manual_seed(1))
    return TensorDataset(x, x[:, :1])


def optimizer_of(module: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(module.parameters(), lr=1e-4)


def clan_of(plan: Plan) -> dict[str, Any]:
    return {"autobind": "auto", "round_length": plan.steps, "duty_cycle": 0.0}


def in_accelerate(plan: Plan, clock: Clock, folder: str, *, with_clan: bool) -> None:
    accelerator = Accelerator(cpu=True)
    model: Any = Network(plan.width)
    loader: Any = DataLoader(data(plan.steps), BATCH, shuffle=True)
    model, optimizer, loader = accelerator.prepare(model, optimizer_of(model), loader)

    def train(batches: Any) -> None:
        for x, y in batches:
            accelerator.backward(model(x, y)["loss"])
            optimizer.step()
            optimizer.zero_grad()
            clock.tick()

    if with_clan:
        clan, loader = accelerate_clan(
            accelerator, model, optimizer, loader, total_steps=plan.steps, **clan_of(plan)
        )
        for member in clan.rounds():
            train(member.batches(loader))
            clan.step(1.0)
    else:
        train(loader)
    accelerator.free_memory()


class Module(LightningModule):
    """The network in Lightning."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.network = Network(width)

    def training_step(self, batch: Any, _: int) -> Tensor:
        loss: Tensor = self.network(*batch)["loss"]
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return optimizer_of(self)


class LightningClock(Callback):
    """Notes the ends of batches in Lightning."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        self._clock.tick()


def in_lightning(plan: Plan, clock: Clock, folder: str, *, with_clan: bool) -> None:
    callbacks: list[Callback] = [LightningClock(clock)]
    if with_clan:
        callbacks.append(LightningClan(lambda module: 1.0, **clan_of(plan)))
    trainer = LightningTrainer(
        accelerator="cpu",
        devices=RANKS,
        strategy="ddp",
        max_steps=plan.steps,
        callbacks=callbacks,
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Module(plan.width), DataLoader(data(plan.steps), BATCH, shuffle=True))


class TrainerClock(TrainerCallback):
    """Notes the ends of steps in Trainer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self._clock.tick()


class Rows(TensorDataset):
    """Samples by the names of the network's arguments."""

    def __getitem__(self, place: int) -> Any:
        x, y = self.tensors
        return {"x": x[place], "labels": y[place]}


def in_trainer(plan: Plan, clock: Clock, folder: str, *, with_clan: bool) -> None:
    model = Network(plan.width)
    arguments = TrainingArguments(
        folder,
        max_steps=plan.steps,
        per_device_train_batch_size=BATCH,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        remove_unused_columns=False,
        max_grad_norm=0.0,
    )
    callbacks: list[TrainerCallback] = [TrainerClock(clock)]
    if with_clan:
        callbacks.append(TrainerClan(lambda model: 1.0, **clan_of(plan)))
    rows = Rows(*data(plan.steps).tensors)
    optimizers: Any = (optimizer_of(model), None)
    Trainer(model, arguments, None, rows, callbacks=callbacks, optimizers=optimizers).train()


FRAMEWORKS: dict[str, Callable[..., None]] = {
    "Accelerate": in_accelerate,
    "Lightning": in_lightning,
    "Trainer": in_trainer,
}


def as_a_rank(plan: Plan, result: Path) -> None:
    """Measure everything in turns; rank 0 writes the milliseconds of each step."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    times: dict[str, dict[str, list[list[float]]]] = {
        name: {"plain": [], "clan": []} for name in FRAMEWORKS
    }
    is_first, total = os.environ["RANK"] == "0", plan.turns * len(FRAMEWORKS)
    with TemporaryDirectory() as folder:
        for turn in range(plan.turns):
            for place, (name, train) in enumerate(FRAMEWORKS.items()):
                if is_first:
                    show_progress(turn * len(FRAMEWORKS) + place, total, name)
                for kind in ("plain", "clan"):
                    clock = Clock()
                    train(plan, clock, folder, with_clan=kind == "clan")
                    times[name][kind].append(clock.steps())
    if is_first:
        result.write_text(json.dumps(times))


def measure(plan: str) -> dict[str, dict[str, list[list[float]]]]:
    with TemporaryDirectory() as folder:
        result = Path(folder) / "times.json"
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={RANKS}"]
        subprocess.run(
            [sys.executable, *launcher, __file__, "--rank", plan, str(result)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        found: dict[str, dict[str, list[list[float]]]] = json.loads(result.read_text())
        return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short turn")
    parser.add_argument("--rank", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank:
        plan, result = arguments.rank
        as_a_rank(PLANS[plan], Path(result))
        return 0
    rows: list[tuple[object, ...]] = [("framework", "plain, ms", "clan, ms", "ratio", "by turn")]
    figures, bars = {}, []
    for name, times in measure("quick" if arguments.quick else "full").items():
        plain, clan = ([statistics.median(run) for run in times[k]] for k in ("plain", "clan"))
        ratios = [one / other for one, other in zip(clan, plain, strict=True)]
        ratio = statistics.median(ratios)
        by_turn = " ".join(f"{each:.2f}" for each in sorted(ratios))
        rows.append((name, statistics.median(plain), statistics.median(clan), ratio, by_turn))
        figures[name] = {"plain": plain, "clan": clan, "ratios": ratios}
        bars.append(bar(f"a step in {name}, with a clan / without", ratio, 1.03))
    title = "A step in a framework, with a clan and without"
    packages = (
        *PACKAGES,
        "clantune-frameworks",
        "accelerate",
        "lightning",
        "torch",
        "transformers",
    )
    return report(title, rows, figures, bars, packages)


if __name__ == "__main__":
    raise SystemExit(main())
