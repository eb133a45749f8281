"""The metrics that a module logs in its validation, collected for a judgement of the clan."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.data import extract_batch_size
from torch import Tensor
from torchmetrics import Metric, MetricCollection

from clantune_clan import ClanError

_FUNCTIONS: tuple[str, ...] = ("log", "log_dict", "all_gather")


@attrs.define(eq=False)
class Logged:
    """Takes the place of a module's `log` and `log_dict`, and averages as Lightning does.

    Attributes:
        batch: Batch that the module is validated on; None at the end of the epoch.
        suffix: What Lightning adds to the name of a metric, if there are several loaders.
    """

    batch: Any = None
    suffix: str = ""
    _values: dict[str, list[tuple[Tensor, int]]] = attrs.field(
        factory=lambda: defaultdict(list), init=False
    )
    _reductions: dict[str, str | Callable[..., Any]] = attrs.field(factory=dict, init=False)
    _metrics: dict[str, Metric] = attrs.field(factory=dict, init=False)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def log(
        self,
        name: str,
        value: Any,
        *_: Any,
        reduce_fx: str | Callable[..., Any] = "mean",
        batch_size: int | None = None,
        add_dataloader_idx: bool = True,
        **__: Any,
    ) -> None:
        """Note a value of a metric; see `LightningModule.log`."""
        name += self.suffix if add_dataloader_idx else ""
        if isinstance(value, Metric):
            self._metrics[name] = value
            return
        if batch_size is None:
            batch_size = 1 if self.batch is None else extract_batch_size(self.batch)
        number = torch.as_tensor(value, dtype=torch.float64).detach().cpu()
        self._values[name].append((number.reshape(()), batch_size))
        self._reductions[name] = reduce_fx

    def log_dict(
        self, dictionary: Mapping[str, Any] | MetricCollection, *_: Any, **options: Any
    ) -> None:
        """Note the values of several metrics; see `LightningModule.log_dict`."""
        for name, value in dictionary.items():
            self.log(name, value, **options)

    def metrics(self) -> dict[str, float]:
        """Return all metrics by name."""
        computed = {name: float(metric.compute()) for name, metric in self._metrics.items()}
        return {**computed, **{name: self._reduced(name) for name in self._values}}

    def _reduced(self, name: str) -> float:
        values, weights = zip(*self._values[name], strict=True)
        stacked, reduction = torch.stack(values), self._reductions[name]
        if reduction in ("mean", "avg", torch.mean):
            weight = torch.tensor(weights, dtype=stacked.dtype)
            return float((stacked * weight).sum() / weight.sum())
        reduce = getattr(torch, reduction) if isinstance(reduction, str) else reduction
        return float(reduce(stacked))


@contextlib.contextmanager
def logging_into(logged: Logged, module: LightningModule) -> Iterator[None]:
    """Let a module log into an object inside the block, and metrics of it begin anew.

    Metrics of torchmetrics are computed by each rank alone, since members differ, and continue
    after the block as they were.
    """
    metrics = [each for each in module.modules() if isinstance(each, Metric)]
    kept = [_state_of(metric) for metric in metrics]
    own = {name: vars(module)[name] for name in _FUNCTIONS if name in vars(module)}
    try:
        for metric in metrics:
            metric.reset()
            metric.sync_on_compute = False
        instead = (logged.log, logged.log_dict, _refuse_gathering)
        vars(module).update(zip(_FUNCTIONS, instead, strict=True))
        yield
    finally:
        for name in _FUNCTIONS:
            del vars(module)[name]
        vars(module).update(own)
        for metric, state in zip(metrics, kept, strict=True):
            vars(metric).clear()
            vars(metric).update(state)


def _refuse_gathering(*_: Any, **__: Any) -> Any:
    raise ClanError(
        "the module calls self.all_gather in its validation, which would judge each member by the "
        "results of all: compute the metric from the rank's own batches, and log it with "
        "sync_dist=True, which the clan leaves out when it judges"
    )


def _state_of(metric: Metric) -> dict[str, Any]:
    # A reset replaces tensors, and clears lists in place.
    return {
        name: [*value] if isinstance(value, list) else value for name, value in vars(metric).items()
    }
