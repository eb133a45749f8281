"""The metrics of Trainer's evaluation, measured by each rank on the whole evaluation set.

Trainer's own evaluation deals the set out to the ranks and gathers the results. In a clan the
models of the ranks differ, so a rank would be judged by the results of all members.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from accelerate.data_loader import IterableDatasetShard
from torch import nn
from torch.utils.data import DataLoader

from clantune_clan import ClanError
from clantune_frameworks.transformers.finding import AnyTrainer
from clantune_frameworks.transformers.predictions import Seen


class Evaluation:
    """A judge that returns a metric of Trainer's evaluation.

    Attributes:
        metric: Name of the metric, such as `"eval_loss"`.
    """

    def __init__(self, trainer: AnyTrainer, metric: str) -> None:
        """Prepare for evaluating the model of a Trainer.

        Raises:
            ClanError: There is no evaluation set, or the metric cannot be one of its metrics.
        """
        self.metric = metric if metric.startswith("eval_") else f"eval_{metric}"
        self._trainer = trainer
        self._loaders: dict[str, DataLoader[Any]] = {}
        if trainer.eval_dataset is None:
            raise ClanError(
                f"judge={metric!r} is measured on the evaluation set, and Trainer has none: give "
                "it eval_dataset=, or give ClanCallback a function of the model as judge="
            )
        if trainer.args.batch_eval_metrics and not self.metric.endswith("_loss"):
            raise ClanError(
                f"judge={metric!r} needs the predictions of all batches, and batch_eval_metrics="
                "True hands out one by one: leave it out, or judge by 'eval_loss'"
            )
        if trainer.compute_metrics is None and self.metric not in (known := self._losses()):
            raise self._unknown(known)

    def __call__(self, _: nn.Module) -> Any:
        """Return the metric of the model.

        Trainer evaluates the bare model, which the clan's argument wraps.
        """
        found: dict[str, Any] = {}
        for prefix, name in self._parts():
            found |= self._metrics(prefix, name)
        if self.metric not in found:
            raise self._unknown(sorted(found))
        return found[self.metric]

    def _metrics(self, prefix: str, name: str | None) -> dict[str, Any]:
        """Return the metrics of one evaluation set."""
        trainer = self._trainer
        loss_only = trainer.compute_metrics is None or self.metric == f"{prefix}_loss"
        seen = Seen(trainer, loss_only=loss_only)
        with _alone(trainer):
            for inputs in self._loader(prefix, name):
                seen.add(inputs, *trainer.prediction_step(trainer.model, inputs, loss_only))
        metrics = seen.metrics()
        return {
            key if key.startswith(f"{prefix}_") else f"{prefix}_{key}": value
            for key, value in metrics.items()
        }

    def _parts(self) -> list[tuple[str, str | None]]:
        """Return the prefix of the metrics and the name of each evaluation set that is needed."""
        if not isinstance(self._trainer.eval_dataset, dict):
            return [("eval", None)]
        every = [(f"eval_{name}", name) for name in self._trainer.eval_dataset]
        return [each for each in every if self.metric.startswith(f"{each[0]}_")] or every

    def _loader(self, prefix: str, name: str | None) -> DataLoader[Any]:
        """Return a loader of a whole evaluation set, with Trainer's columns and collator."""
        if prefix not in self._loaders:
            part = self._trainer.get_eval_dataloader(name)
            dataset = part.dataset
            if isinstance(dataset, IterableDatasetShard):
                dataset = dataset.dataset
            self._loaders[prefix] = DataLoader(
                dataset,
                batch_size=self._trainer.args.eval_batch_size,
                collate_fn=part.collate_fn,
                num_workers=part.num_workers,
                pin_memory=part.pin_memory,
                generator=torch.Generator(),
            )
        return self._loaders[prefix]

    def _losses(self) -> list[str]:
        return [f"{prefix}_loss" for prefix, _ in self._parts()]

    def _unknown(self, known: list[str]) -> ClanError:
        return ClanError(
            f"judge={self.metric!r} is not a metric of Trainer's evaluation, which has "
            f"{', '.join(known)}: choose one of these, or return it from compute_metrics"
        )


@contextlib.contextmanager
def _alone(trainer: AnyTrainer) -> Iterator[None]:
    """Let no step of an evaluation communicate, since each rank evaluates everything."""
    args = trainer.args
    before = getattr(args, "average_tokens_across_devices", False)
    args.average_tokens_across_devices = False
    try:
        yield
    finally:
        args.average_tokens_across_devices = before
