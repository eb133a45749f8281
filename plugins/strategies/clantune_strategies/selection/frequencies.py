"""Frequencies: sub-populations that select at different intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from clantune_core import AbstractAllele, AbstractStrategy, Ancestry, Context, Genome, Population
from clantune_strategies.checks import strategy_error, strategy_field
from clantune_strategies.wrappers import SubsetWrapper


def _to_tuple(periods: Iterable[int]) -> tuple[int, ...]:
    return tuple(periods)


def _check_periods(strategy: object, field: attrs.Attribute[Any], value: tuple[int, ...]) -> None:
    if not value or not all(type(period) is int and period > 0 for period in value):
        raise strategy_error(
            type(strategy).__name__,
            f"{field.name} must be one or more numbers of rounds, each an integer of 1 or more; "
            f"got {value!r}",
        )


@attrs.frozen
class Frequencies(SubsetWrapper):
    """Another strategy selects within sub-populations, each at its own interval of rounds.

    A sub-population with a long interval judges by lasting success, one with a short interval is
    greedy. A member that would be replaced may instead take the weights of a better member of a
    faster sub-population; it then keeps its own genes. Use it with 16 members or more. Smaller
    populations form fewer sub-populations, of at least two members each.

    Attributes:
        strategy: Selects within a sub-population.
        periods: Rounds between two selections, one number per sub-population, shortest first.
    """

    strategy: AbstractStrategy = strategy_field()
    periods: tuple[int, ...] = attrs.field(
        default=(1, 10, 25, 50), converter=_to_tuple, validator=_check_periods
    )

    def select_ancestry(
        self, my_genome: Genome, population_genomes: Population, context: Context, **arguments: Any
    ) -> Ancestry | None:
        """Select within this member's sub-population in the rounds of its interval."""
        # Call it in every round: it may draw from the stream that all ranks share.
        ancestry = super().select_ancestry(my_genome, population_genomes, context, **arguments)
        mine = context.rank % self._count(len(population_genomes))
        if (context.generation + 1) % self.periods[mine]:
            return Ancestry.sole(context.rank, population_genomes)
        if ancestry is None or ancestry.dominant == context.rank:
            return ancestry
        return self._from_faster(ancestry, mine, population_genomes)

    def handle_crossbreeding(self, **arguments: Any) -> AbstractAllele | None:
        """Keep this member's gene if its weights come from another sub-population."""
        bred = super().handle_crossbreeding(**arguments)  # in every round, as above
        context: Context = arguments["context"]
        count = self._count(context.population_size)
        if arguments["ancestry"].dominant % count != context.rank % count:
            mine: AbstractAllele = arguments["my_allele"]
            return mine
        return bred

    def candidates(self, me: int, population_genomes: Population) -> Sequence[int]:
        """Return the ranks of this member's sub-population."""
        count = self._count(len(population_genomes))
        return range(me % count, len(population_genomes), count)

    def _count(self, members: int) -> int:
        """Return how many sub-populations there are."""
        return max(1, min(len(self.periods), members // 2))

    def _from_faster(self, ancestry: Ancestry, mine: int, population: Population) -> Ancestry:
        """Return the best member of the faster sub-populations if it is better than the parent."""
        fitnesses, count = population.fitnesses(), self._count(len(population))
        faster = [rank for rank in range(len(population)) if rank % count < mine]
        best = min(faster, key=fitnesses.__getitem__, default=ancestry.dominant)
        better = fitnesses[best] < fitnesses[ancestry.dominant]
        return Ancestry.sole(best, population) if better else ancestry
