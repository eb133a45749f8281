"""What a clan cannot train with in Lightning, and what to use instead."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.strategies import DDPStrategy, DeepSpeedStrategy, SingleDeviceStrategy
from lightning.pytorch.utilities.model_helpers import is_overridden

from clantune_clan import ClanError
from clantune_frameworks.lightning import access

_CALLBACKS = {
    "StochasticWeightAveraging": "the clan keeps running averages itself, and `clan.best()` has "
    "them: leave the callback out",
    "WeightAveraging": "the clan keeps running averages itself, and `clan.best()` has them: leave "
    "the callback out",
    "GradientAccumulationScheduler": "the rounds of a clan count windows of one length: give "
    "Trainer(accumulate_grad_batches=...)",
}


def require_fitting(trainer: Trainer, module: LightningModule, judge: object) -> None:
    """Raise an error that names everything in a trainer that a clan cannot work with.

    Raises:
        ClanError: Something does not go with a clan.
    """
    if problems := [*_problems(trainer, module, judge)]:
        raise ClanError("; ".join(problems))


def _problems(trainer: Any, module: LightningModule, judge: object) -> Iterator[str]:
    yield from _problems_of_processes(trainer)
    if isinstance(judge, str) and not (
        trainer.enable_validation and is_overridden("validation_step", module)
    ):
        yield (
            f"ClanCallback(judge={judge!r}) judges members by the module's validation_step, on its "
            "validation data, and there is none: write validation_step and val_dataloader without "
            "limit_val_batches=0, or give judge= a function of the module"
        )
    for callback in trainer.callbacks:
        for name in {each.__name__ for each in type(callback).__mro__} & _CALLBACKS.keys():
            yield f"{name} does not go with a clan: {_CALLBACKS[name]}"


def _problems_of_processes(trainer: Trainer) -> Iterator[str]:
    strategy, name = trainer.strategy, type(trainer.strategy).__name__
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if started > 1 and trainer.world_size == 1:
        yield (
            f"WORLD_SIZE says that this is one of {started} processes, and Trainer(devices=1) "
            "makes each of them rank 0 of its own run, which share the logs and checkpoints: give "
            f"Trainer(strategy='ddp', devices={started})"
        )
    elif isinstance(strategy, DeepSpeedStrategy) or not isinstance(
        strategy, DDPStrategy | SingleDeviceStrategy
    ):
        yield (
            f"{name} averages gradients in a way that a clan cannot switch between its phases: "
            "give Trainer(strategy='ddp'), or for a sharded model a loop of your own, see "
            "'Sharded members' in the docs of the clan"
        )
    elif isinstance(strategy, DDPStrategy) and access.averages_in_another_way(strategy):
        yield (
            f"{name} has a communication hook or a model_averaging_period, and the clan has a hook "
            "of its own there: leave them out"
        )
