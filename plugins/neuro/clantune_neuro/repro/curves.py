"""Curves of several schemes: their means over seeds, with the lowest and the highest run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import attrs

from clantune_neuro.repro.runs import Bar, Outcome, Progress, evolved
from clantune_neuro.repro.schemes import Scheme, Size


@attrs.frozen
class Interval:
    """Some numbers, as their mean and limits.

    Attributes:
        mean: Their mean.
        low: The lowest.
        high: The highest.
    """

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Interval:
        """Return the interval of some numbers."""
        return cls(statistics.fmean(numbers), min(numbers), max(numbers))

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.mean:.4g}"
        return f"{self.mean:.4g} ({self.low:.4g} to {self.high:.4g})"


Curves = Mapping[Scheme, Sequence[Outcome]]
"""The runs of each scheme, one per seed."""


def curves(
    schemes: Sequence[Scheme],
    size: Size,
    loss: str,
    *,
    seeds: Sequence[int],
    generations: int,
    progress: Progress,
) -> Curves:
    """Return the runs of several schemes with the same seeds, each with its loss per generation."""
    bar = Bar(progress, len(schemes) * len(seeds), generations)
    return {
        scheme: [
            evolved(scheme.run(size, loss, seed), size.task(loss, seed), seed, generations, bar)
            for seed in seeds
        ]
        for scheme in schemes
    }


def loss_at(outcome: Outcome, generation: int) -> float:
    """Return the loss of the best member of a generation. A run that ended keeps its last one."""
    return -outcome.curve[min(generation, len(outcome.curve) - 1)]


def interval_at(outcomes: Sequence[Outcome], generation: int) -> Interval:
    """Return the losses of several runs at a generation."""
    return Interval.of([loss_at(outcome, generation) for outcome in outcomes])


def marks(last: int, count: int = 5) -> list[int]:
    """Return about equally spaced generations, or evaluations, up to the last one."""
    return [last * place // count for place in range(1, count + 1)]


def by_generation(found: Curves, last: int) -> list[tuple[object, ...]]:
    """Return a table of the losses by generation."""
    at = marks(last)
    return [
        ("loss by generation", *map(str, at)),
        *(
            (str(one), *(str(interval_at(runs, mark)) for mark in at))
            for one, runs in found.items()
        ),
    ]


def by_evaluation(found: Curves, last: int) -> list[tuple[object, ...]]:
    """Return a table of the losses by number of evaluations, as far as the smallest scheme goes."""
    at = marks(last * min(scheme.children for scheme in found))
    return [
        ("loss by evaluation", *(f"{mark:,}" for mark in at)),
        *(
            (str(one), *(str(interval_at(runs, mark // one.children)) for mark in at))
            for one, runs in found.items()
        ),
    ]


def plain(found: Curves) -> dict[str, dict[str, list[float]]]:
    """Return all curves as plain data: the loss by generation, by seed and scheme."""
    return {
        str(scheme): {str(one.seed): [-value for value in one.curve] for one in outcomes}
        for scheme, outcomes in found.items()
    }
