"""Wrappers that show the fitness of a lineage over several rounds, not of one round only.

A genome carries the fitness history of its lineage: the history of its dominant parent and that
parent's own fitness. The metadata of the first active gene stores it, so it is inherited and saved.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from typing import Any

import attrs

from clantune_core import AbstractAllele, AbstractStrategy, Context, Population
from clantune_strategies._parents import has_survived
from clantune_strategies.checks import choice_field, integer_field, strategy_field
from clantune_strategies.selection._statistics import mean, median
from clantune_strategies.wrappers import FitnessWrapper, stores_genome_memory

History = Sequence[float | None]
"""Fitnesses of past rounds, oldest first; None for a round whose fitness was not finite."""


class _Lineage(FitnessWrapper):
    rounds: int

    @abc.abstractmethod
    def _score(self, histories: Sequence[History]) -> Sequence[float]:
        """Return the fitness to show for each history, which ends with the present fitness."""

    def handle_mutating(self, **arguments: Any) -> AbstractAllele:
        """Store the fitness of the dominant parent, then forward to the wrapped strategy."""
        if stores_genome_memory(arguments):
            parent, key = arguments["ancestry"].dominant, self._key
            past = arguments["population_alleles"][parent].metadata.get(key, ())
            fitness = arguments["population_genomes"].fitnesses()[parent]
            history = (*past, fitness if math.isfinite(fitness) else None)[-self.rounds :]
            arguments["allele"] = arguments["allele"].with_metadata({key: history})
        return super().handle_mutating(**arguments)

    def visible_fitnesses(
        self, population_genomes: Population, context: Context
    ) -> Sequence[float]:
        """Return the scores of the surviving members."""
        shown = [*population_genomes.fitnesses()]
        survivors = [rank for rank, fitness in enumerate(shown) if has_survived(fitness)]
        key = self._key
        genes = [
            population_genomes[rank].alleles[name]
            for rank in survivors
            for name in context.genes[:1]
        ]
        pasts: list[History] = [gene.metadata.get(key, ()) for gene in genes]
        if any(fitness is not None for past in pasts for fitness in past):
            histories = [(*past, shown[rank]) for past, rank in zip(pasts, survivors, strict=True)]
            for rank, score in zip(survivors, self._score(histories), strict=True):
                shown[rank] = score
        return shown

    @property
    def _key(self) -> str:
        """Key in metadata; nested lineage strategies see different fitnesses, so it differs."""
        return f"lineage/{_nested_lineages(self.strategy)}/{self.rounds}"


def _nested_lineages(strategy: object) -> int:
    """Return how many lineage strategies are nested in a strategy, including itself."""
    count = 0
    while strategy is not None:
        count += isinstance(strategy, _Lineage)
        strategy = getattr(strategy, "strategy", None)
    return count


@attrs.frozen
class ImprovementRate(_Lineage):
    """Another strategy sees how much the fitness of each lineage changes per round.

    Use it where a member may be behind now and ahead later, for example with a learning rate that
    pays off late (FIRE-PBT). The other strategy sees the slope of the regression line through the
    fitnesses of the past rounds and the present one; lower is better. A member without a history
    has slope 0. If no member has a history, the other strategy sees the fitness itself. A failed
    member stays failed.

    Attributes:
        strategy: Selects by the slope.
        rounds: Number of past rounds that count, 1 or more.
    """

    strategy: AbstractStrategy = strategy_field()
    rounds: int = integer_field(3)

    def _score(self, histories: Sequence[History]) -> Sequence[float]:
        return [_slope(history) for history in histories]


@attrs.frozen
class Smoothed(_Lineage):
    """Another strategy sees the average fitness of each lineage over several rounds.

    Use it where fitness is noisy and changes slowly, so that luck in one round counts for less. If
    no member has a history, the other strategy sees the fitness itself. A failed member stays
    failed.

    Attributes:
        strategy: Selects by the average.
        rounds: Number of past rounds that count besides the present one, 1 or more.
        by: Kind of average: `"mean"`, or `"median"`, which a single round does not move.
    """

    strategy: AbstractStrategy = strategy_field()
    rounds: int = integer_field(3)
    by: str = choice_field("mean", "median")

    def _score(self, histories: Sequence[History]) -> Sequence[float]:
        average = mean if self.by == "mean" else median
        return [average([f for f in history if f is not None]) for history in histories]


def _slope(history: History) -> float:
    """Return the slope of the least-squares line per round; 0 for a single point."""
    points = [(float(i), fitness) for i, fitness in enumerate(history) if fitness is not None]
    centre = mean([time for time, _ in points])
    spread = sum((time - centre) ** 2 for time, _ in points) or 1.0
    return sum((time - centre) / spread * fitness for time, fitness in points)
