"""Another strategy sees how a lineage has done, not only how its last member did.

A genome carries the fitnesses of its forebears: those of the dominant parent, and the parent's own.
They lie in the metadata of the first active gene, where they are inherited and saved with it.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from typing import Any

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractStrategy,
    Context,
    Population,
)
from clantune_strategies._checks import held, number, one_of
from clantune_strategies._choosing import is_alive
from clantune_strategies.selection._statistics import mean, median
from clantune_strategies.selection._wrapper import OtherFitness, may_remember

History = Sequence[float | None]
"""Fitnesses of past rounds, the oldest first; None where one was not finite."""


class _Lineage(OtherFitness):
    rounds: int

    @abc.abstractmethod
    def _judge(self, histories: Sequence[History]) -> Sequence[float]:
        """Return what is seen of living members, whose own fitnesses come last in the histories."""

    def handle_mutating(self, **offered: Any) -> AbstractAllele:
        """Remember the fitness of the dominant parent; leave the rest to the strategy inside."""
        if may_remember(offered):
            parent, memory = offered["ancestry"].dominant, self._memory
            past = offered["population_alleles"][parent].metadata.get(memory, ())
            fitness = offered["population_genomes"].fitnesses()[parent]
            history = (*past, fitness if math.isfinite(fitness) else None)[-self.rounds :]
            offered["allele"] = offered["allele"].with_metadata({memory: history})
        return super().handle_mutating(**offered)

    def _fitnesses(self, population_genomes: Population, context: Context) -> Sequence[float]:
        seen = [*population_genomes.fitnesses()]
        living = [rank for rank, fitness in enumerate(seen) if is_alive(fitness)]
        memory = self._memory
        genes = [population_genomes[r].alleles[name] for r in living for name in context.genes[:1]]
        pasts: list[History] = [gene.metadata.get(memory, ()) for gene in genes]
        if any(fitness is not None for past in pasts for fitness in past):
            histories = [(*past, seen[rank]) for past, rank in zip(pasts, living, strict=True)]
            for rank, judged in zip(living, self._judge(histories), strict=True):
                seen[rank] = judged
        return seen

    @property
    def _memory(self) -> str:
        """Name in metadata; a strategy of this sort inside sees other fitnesses, under another."""
        return f"lineage/{_lineages(self.strategy)}/{self.rounds}"


def _lineages(strategy: object) -> int:
    """Return how many strategies that remember lineages are nested in one, itself included."""
    count = 0
    while strategy is not None:
        count += isinstance(strategy, _Lineage)
        strategy = getattr(strategy, "strategy", None)
    return count


@attrs.frozen
class ImprovementRate(_Lineage):
    """Another strategy sees progress: how much the fitness of a lineage has changed per round.

    Use it where a member may be behind and on its way to be ahead, as with a learning rate that
    pays off late (FIRE-PBT). What it sees is the slope of the line through the fitnesses of the
    past rounds and the present one, lower is better. A member without any history has made no
    progress (0); if nobody has one, the fitness itself counts. The dead stay dead.

    Attributes:
        strategy: Selects by progress.
        rounds: How many past rounds count, 1 or more.
    """

    strategy: AbstractStrategy = held()
    rounds: int = number(3, 1)

    def _judge(self, histories: Sequence[History]) -> Sequence[float]:
        return [_slope(history) for history in histories]


@attrs.frozen
class Smoothed(_Lineage):
    """Another strategy sees the average fitness of a lineage over a few rounds.

    Use it where fitness is noisy and changes slowly: luck in one round is worth less. If nobody has
    a history yet, the fitness itself counts. The dead stay dead.

    Attributes:
        strategy: Selects by the average.
        rounds: How many past rounds count, besides the present one, 1 or more.
        by: Which average: `"mean"`, or `"median"`, which a single round does not move.
    """

    strategy: AbstractStrategy = held()
    rounds: int = number(3, 1)
    by: str = one_of("mean", "median")

    def _judge(self, histories: Sequence[History]) -> Sequence[float]:
        average = mean if self.by == "mean" else median
        return [average([f for f in history if f is not None]) for history in histories]


def _slope(history: History) -> float:
    """Return the slope of the straight line that fits best, per round; 0 for a single point."""
    points = [(float(i), fitness) for i, fitness in enumerate(history) if fitness is not None]
    middle = mean([time for time, _ in points])
    spread = sum((time - middle) ** 2 for time, _ in points) or 1.0
    return sum((time - middle) / spread * fitness for time, fitness in points)
