"""The runs of the comparison of methods: kept in files, and judged."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import attrs
from _plain import STARTS, Start

PACED = "DDP, warm-up, cooldown"
"""What the grid and the shorter and longer runs of the oracle are trained by."""
GRID_STARTS = {**STARTS, "lr x 0.3": Start(0.3), "lr x 3": Start(3.0)}
GRID = ("lr / 10", "lr x 0.3", "tuned", "lr x 3", "lr x 10")
LENGTHS = (0.25, 0.5, 0.7, 0.8, 0.9, 1.1, 1.25)
"""Other lengths of the oracle, as shares of the usual one."""
GOOD = 0.9
"""A method solves a problem if the oracle needs at least this share of its cost to be as good."""


@attrs.frozen
class Run:
    """A run that has ended.

    Attributes:
        start: Name of the settings that it began with.
        method: Name of what trained it.
        length: Its length as a share of the usual one.
        loss: On the test data; not more than before training.
        steps: Its cost in steps on every rank, measuring included.
    """

    task: str
    start: str
    method: str
    seed: int
    length: float
    loss: float
    steps: float

    @property
    def key(self) -> tuple[object, ...]:
        """What the run is of, without what it found."""
        return (self.task, self.start, self.method, self.seed, self.length)


@attrs.frozen
class Results:
    """Runs in a file, one in a line, so that a comparison goes on where it was interrupted."""

    path: Path

    def runs(self) -> list[Run]:
        """Return the runs so far."""
        if not self.path.exists():
            return []
        lines = self.path.read_text("utf-8").splitlines()
        runs = [Run(**json.loads(line)) for line in lines]
        return [*{run.key: run for run in runs}.values()]  # one that was run twice counts once

    def add(self, run: Run) -> None:
        """Append a run."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(attrs.asdict(run)) + "\n")


@attrs.frozen
class Verdict:
    """A method on a problem, which is a task and a start.

    Attributes:
        losses: One for each seed.
        regret: Mean regret.
        error: Half of the interval that contains the mean regret with a confidence of 95 %.
        cost: Mean cost, as a share of the cost of plain training.
        length: Length of the oracle that is as good; 0 if the shortest is better.
        worth: Length of the oracle that is as good, over the cost; 0 if the shortest is better.
        is_more: Whether the longest oracle is worse, so that the worth is at least this one.
    """

    start: str
    method: str
    losses: Sequence[float]
    regret: float
    error: float
    cost: float
    length: float
    worth: float
    is_more: bool


class Problems:
    """All problems of a task: what the oracle reaches, and how methods compare with it."""

    def __init__(self, runs: Iterable[Run]) -> None:
        """Find the oracle among runs of one task.

        Raises:
            SystemExit: The best rate of the grid ends no lower than the extreme ones.
        """
        self._runs = sorted(runs, key=lambda run: run.seed)
        grid = {start: statistics.fmean(self._losses(start, PACED)) for start in GRID}
        self.oracle = min(grid, key=lambda start: grid[start])
        self._best = grid[self.oracle]
        self._unit = statistics.fmean([grid[GRID[0]], grid[GRID[-1]]]) - self._best
        if self._unit <= 0.0:
            raise SystemExit(
                f"{self._runs[0].task}: rates that are ten times too low and too high end as low "
                "as the best of the grid, so there is no scale for regrets: train longer"
            )
        usual = [run.steps for run in self._runs if run.method == PACED and run.length == 1.0]
        self._steps = usual[0]
        lengths = sorted({r.length for r in self._runs if self._is_of(r, self.oracle, PACED)})
        common = set.intersection(
            *({r.seed for r in self._runs if self._is_oracle(r, length)} for length in lengths)
        )
        self.curve = [
            (
                length,
                statistics.fmean(
                    r.loss for r in self._runs if self._is_oracle(r, length) and r.seed in common
                ),
            )
            for length in lengths
        ]

    def verdicts(self) -> list[Verdict]:
        """Return how every method does from every start."""
        met = dict.fromkeys((run.start, run.method) for run in self._runs if run.length == 1.0)
        return [self._verdict(*each) for each in met if each[0] in STARTS]

    def beside(self, ours: Verdict, other: Verdict) -> tuple[float, float]:
        """Return the mean difference in regret over common seeds, and half of its interval."""
        pairs = zip(other.losses, ours.losses, strict=False)  # both begin with the first seed
        differences = [(theirs - our) / self._unit for theirs, our in pairs]
        return statistics.fmean(differences), half_interval(differences)

    def _verdict(self, start: str, method: str) -> Verdict:
        losses = self._losses(start, method)
        cost = statistics.fmean(
            run.steps for run in self._runs if self._is_of(run, start, method) and run.length == 1.0
        )
        regrets = [(loss - self._best) / self._unit for loss in losses]
        length = length_as_good(statistics.fmean(losses), self.curve)
        return Verdict(
            start,
            method,
            losses,
            statistics.fmean(regrets),
            half_interval(regrets),
            cost / self._steps,
            length,
            length * self._steps / cost,
            length == self.curve[-1][0],
        )

    def _losses(self, start: str, method: str, length: float = 1.0) -> list[float]:
        return [r.loss for r in self._runs if self._is_of(r, start, method) and r.length == length]

    def _is_oracle(self, run: Run, length: float) -> bool:
        return self._is_of(run, self.oracle, PACED) and run.length == length

    @staticmethod
    def _is_of(run: Run, start: str, method: str) -> bool:
        return (run.start, run.method) == (start, method)


def length_as_good(loss: float, curve: Sequence[tuple[float, float]]) -> float:
    """Return the least length of the oracle that ends with a loss.

    It is 0 if the shortest oracle is better, and that of the longest one if all are worse.

    Args:
        loss: The loss.
        curve: Lengths in ascending order, each with the oracle's loss.
    """
    if loss > curve[0][1]:
        return 0.0
    for (short, high), (long, low) in pairwise(curve):
        if low <= loss <= high:
            share = 1.0 if high == low else math.log(high / loss) / math.log(high / low)
            return short + share * (long - short)
    return curve[-1][0]


def half_interval(values: Sequence[float]) -> float:
    """Return half of the interval that contains their mean with a confidence of 95 %."""
    from scipy.stats import t  # type: ignore[import-untyped]

    count = len(values)
    if count < 2:
        return math.inf
    return float(t.ppf(0.975, count - 1)) * statistics.stdev(values) / math.sqrt(count)
