"""The results of the batches of an evaluation, of which Trainer's metrics are computed."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import EvalPrediction
from transformers.trainer_pt_utils import EvalLoopContainer, find_batch_size

from clantune_frameworks.transformers.finding import AnyTrainer


class Seen:
    """Collects losses, and what `compute_metrics` needs of each batch."""

    def __init__(self, trainer: AnyTrainer, *, loss_only: bool) -> None:
        """Begin without batches.

        Args:
            trainer: Trainer that evaluates.
            loss_only: Whether the loss is the only metric.
        """
        self._trainer, self._loss_only = trainer, loss_only
        self._total, self._samples, self._batches = 0.0, 0, 0
        self._kept: dict[str, EvalLoopContainer] = {}

    def add(self, inputs: Any, loss: Tensor | None, logits: Any, labels: Any) -> None:
        """Add a batch.

        Args:
            inputs: Inputs of the model.
            loss: Mean loss of the batch; None if the inputs have no labels.
            logits: Outputs of the model other than the loss.
            labels: Labels of the batch.
        """
        trainer = self._trainer
        size = find_batch_size(inputs) or trainer.args.eval_batch_size
        if loss is not None:
            self._samples += size
            self._total += loss.item() * size
        if self._loss_only:
            return
        wanted = trainer.args.include_for_metrics
        if logits is not None and trainer.preprocess_logits_for_metrics is not None:
            logits = trainer.preprocess_logits_for_metrics(logits, labels)
        self._keep("predictions", logits)
        self._keep("label_ids", labels)
        if "loss" in wanted and loss is not None:
            self._keep("losses", loss.repeat(size))
        if "inputs" in wanted:
            self._keep("inputs", inputs[getattr(trainer.model, "main_input_name", "input_ids")])
        self._batches += 1
        every = trainer.args.eval_accumulation_steps
        if every is not None and self._batches % every == 0:
            for each in self._kept.values():
                each.to_cpu_and_numpy()

    def metrics(self) -> dict[str, Any]:
        """Return the metrics of all batches, by the names that `compute_metrics` gives them."""
        loss = {"loss": self._total / self._samples} if self._samples else {}
        if self._loss_only:
            return loss
        arrays: dict[str, Any] = {"predictions": None, "label_ids": None}
        arrays |= {name: each.get_arrays() for name, each in self._kept.items()}
        computed: dict[str, Any] = self._trainer.compute_metrics(EvalPrediction(**arrays))
        return loss | computed

    def _keep(self, name: str, tensors: Any) -> None:
        if tensors is None:
            return
        if name not in self._kept:
            joins = self._trainer.args.eval_do_concat_batches
            self._kept[name] = EvalLoopContainer(joins, padding_index=-100)
        self._kept[name].add(tensors)
