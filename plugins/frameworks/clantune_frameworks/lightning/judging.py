"""Judges: what the clan calls at the end of a round, with several weights in the module."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from lightning.fabric.utilities.data import sized_len
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.trainer.states import RunningStage
from lightning.pytorch.utilities import CombinedLoader
from torch.utils.data import DistributedSampler

from clantune_clan import ClanError
from clantune_frameworks.alike import judging_alike
from clantune_frameworks.lightning import access
from clantune_frameworks.lightning.data import limited
from clantune_frameworks.lightning.logged import Logged, logging_into

JudgeLike = str | Callable[[LightningModule], Any]
"""The name of a metric that the module logs in its validation, or a function of the module."""


class ModuleJudge:
    """Judges the weights that are in a module now, without moving the random streams."""

    def __init__(self, trainer: Trainer, judge: JudgeLike) -> None:
        """Judge by a metric of the module's validation, or by a function of the module.

        Args:
            trainer: Trainer of the module.
            judge: Name of the metric, or function.
        """
        self._trainer, self._judge = trainer, judge
        self._loader: CombinedLoader | None = None

    def __call__(self, _: object) -> Any:
        """Return the loss or score of the module."""
        module = self._trainer.lightning_module
        with judging_alike():
            if callable(self._judge):
                return self._judge(module)
            metrics = self._validate(module)
        if self._judge not in metrics:
            logged = ", ".join(map(repr, sorted(metrics))) or "nothing"
            raise ClanError(
                f"judge={self._judge!r} is not a metric that validation_step or "
                f"on_validation_epoch_end logs; they log {logged}"
            )
        return metrics[self._judge]

    def _validate(self, module: LightningModule) -> dict[str, float]:
        """Return the metrics of a validation on all data, without callbacks and loggers."""
        trainer, logged = self._trainer, Logged()
        stage, trainer.state.stage = trainer.state.stage, RunningStage.VALIDATING
        try:
            with logging_into(logged, module):
                module.on_validation_start()
                module.on_validation_epoch_start()
                for batch, place in self._batches(logged):
                    module.on_validation_batch_start(batch, *place)
                    with trainer.precision_plugin.val_step_context():
                        output = module.validation_step(*_fitting(module, batch, *place))
                    module.on_validation_batch_end(output, batch, *place)
                logged.batch, logged.suffix = None, ""
                module.on_validation_epoch_end()
                module.on_validation_end()
                return logged.metrics()
        finally:
            trainer.state.stage = stage

    def _batches(self, logged: Logged) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield the batches of all validation loaders, with their number and that of the loader."""
        if self._loader is None:
            self._loader = _combined(self._trainer)
        is_one = len(self._loader.flattened) == 1
        for batch, number, loader in iter(self._loader):
            logged.batch = access.on_device(self._trainer, batch, loader)
            logged.suffix = "" if is_one else f"/dataloader_idx_{loader}"
            yield logged.batch, (number,) if is_one else (number, loader)


def _combined(trainer: Trainer) -> CombinedLoader:
    """Return the validation loaders as one, which is the same on all ranks.

    Raises:
        ClanError: A loader gives each rank another part of the data.
    """
    loaders = access.validation_loaders(trainer)
    combined = loaders
    if not isinstance(combined, CombinedLoader):
        combined = CombinedLoader(loaders, "sequential")
    for each in combined.flattened:
        if isinstance(getattr(each, "sampler", None), DistributedSampler):
            raise ClanError(
                "the validation loader has a DistributedSampler, and a clan judges all members on "
                "the same data: leave the sampler out; Lightning adds one for its own validation"
            )
    lengths = map(sized_len, combined.flattened)
    combined.limits = [limited(length, trainer.limit_val_batches) for length in lengths]
    return combined


def _fitting(module: LightningModule, *arguments: Any) -> tuple[Any, ...]:
    """Return the arguments that the module's `validation_step` takes: the batch, and numbers."""
    parameters = inspect.signature(module.validation_step).parameters.values()
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters):
        return arguments
    return arguments[: len(parameters)]
