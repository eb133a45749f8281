"""Losses of classification: from the answers of many members to one score each."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from types import MappingProxyType

import attrs
import torch
from torch import Tensor
from torch.nn import functional

from clantune_neuro.errors import TaskError
from clantune_neuro.networks.answer import Answer
from clantune_neuro.tasks.score import Score
from clantune_neuro.tasks.trace import RowTrace


@attrs.frozen
class Loss:
    """A loss, as what it scores and which answers it counts.

    Attributes:
        base: Returns the score of each member, higher is better. It takes logits of the shape
            `(members, points, classes)`, labels, which answers are right, and the number of
            batches.
        counted: Returns which right answers count, from which answers are right.
        blamed: Returns which wrong answers a trace blames, from which answers are right.
        perfect: Returns the highest score, from the number of points, or `None` if none is.
    """

    base: Callable[[Tensor, Tensor, Tensor, int], Tensor]
    counted: Callable[[Tensor], Tensor]
    blamed: Callable[[Tensor], Tensor]
    perfect: Callable[[int], float | None]

    def scores(self, answers: Answer, labels: Tensor, batches: int = 1) -> list[Score]:
        """Return the score of each member, with a trace where a bank answered.

        A member whose logits contain NaN has a base of NaN.

        Args:
            answers: Answers with a dimension of members in front.
            labels: Label of each point.
            batches: Number of batches that the points are made of.
        """
        labels = labels.to(answers.logits.device)
        right = answers.logits.argmax(-1) == labels
        base = self.base(answers.logits, labels, right, batches).to(torch.float64)
        base[answers.logits.isnan().flatten(1).any(1)] = torch.nan
        if answers.rows is None:
            return [Score(value) for value in base.tolist()]
        traces = self._traces(answers.rows, right)
        return [
            Score(value, trace=trace) for value, trace in zip(base.tolist(), traces, strict=True)
        ]

    def _traces(self, rows: Tensor, right: Tensor) -> list[RowTrace]:
        """Return the trace of each member."""
        of_members = zip(
            rows.cpu(), self.counted(right).cpu(), self.blamed(right).cpu(), strict=True
        )
        return [
            RowTrace(blamed=row[blamed].tolist(), used=row[counted].unique().tolist())
            for row, counted, blamed in of_members
        ]


def _cross_entropy(logits: Tensor, labels: Tensor, _right: Tensor, _batches: int) -> Tensor:
    """Return minus the mean cross-entropy. Batches have equal sizes, so their mean is the same."""
    of_members = labels.expand(len(logits), -1)
    # With classes in the second dimension, torch takes a fifth of the time for the same bits.
    return -functional.cross_entropy(logits.movedim(2, 1), of_members, reduction="none").mean(1)


def _accuracy(_logits: Tensor, _labels: Tensor, right: Tensor, _batches: int) -> Tensor:
    """Return the fraction of right answers."""
    return right.double().mean(1)


def _wrong(_logits: Tensor, _labels: Tensor, right: Tensor, batches: int) -> Tensor:
    """Return minus the number of wrong answers per batch."""
    return (~right).sum(1).double() / -batches + 0.0  # no -0.0


def _till_death(_logits: Tensor, _labels: Tensor, right: Tensor, _batches: int) -> Tensor:
    """Return the number of right answers before the first wrong one."""
    return _before_the_first_wrong(right).sum(1)


def _all(right: Tensor) -> Tensor:
    return right


def _before_the_first_wrong(right: Tensor) -> Tensor:
    return right.cumprod(1).bool()


def _the_first_wrong(right: Tensor) -> Tensor:
    return ~right & ((~right).cumsum(1) == 1)


LOSSES: Mapping[str, Loss] = MappingProxyType(
    {
        "cross_entropy": Loss(_cross_entropy, _all, torch.logical_not, lambda _: None),
        "accuracy": Loss(_accuracy, _all, torch.logical_not, lambda _: 1.0),
        "wrong": Loss(_wrong, _all, torch.logical_not, lambda _: 0.0),
        "till_death": Loss(_till_death, _before_the_first_wrong, _the_first_wrong, float),
    }
)
"""Losses by name.

`cross_entropy` is minus the mean cross-entropy. `accuracy` is the fraction of right answers.
`wrong` is minus the number of wrong answers per batch. `till_death` is the number of right answers
before the first wrong one.
"""


def loss_named(name: str) -> Loss:
    """Return a loss.

    Raises:
        TaskError: There is no loss of this name.
    """
    if name in LOSSES:
        return LOSSES[name]
    near = difflib.get_close_matches(name, LOSSES, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise TaskError(f"there is no loss {name!r}; the losses are {', '.join(LOSSES)}{hint}")
