"""Frequencies: sub-populations that select at different intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractStrategy,
    Ancestry,
    Context,
    Genome,
    Population,
    StrategyError,
)
from clantune_strategies._checks import held
from clantune_strategies.selection._wrapper import SomeMembers


def _listed(periods: Iterable[int]) -> tuple[int, ...]:
    return tuple(periods)


def _are_rounds(strategy: object, field: attrs.Attribute[Any], value: tuple[int, ...]) -> None:
    if not value or not all(type(period) is int and period > 0 for period in value):
        name = type(strategy).__name__
        raise StrategyError(
            f"{name}: {field.name} are whole numbers of rounds, one or more; got {value!r}",
            strategy=name,
        )


@attrs.frozen
class Frequencies(SomeMembers):
    """The inner selection acts within sub-populations, in each of them every so many rounds.

    A sub-population that waits long judges by what lasts; one that does not is greedy. Who would be
    replaced may also take over weights from a better member of a faster one, and then keeps its own
    genes. Use it with 16 members or more; fewer make fewer sub-populations, of two at least.

    Attributes:
        strategy: The selection inside.
        periods: Rounds between two selections, one number per sub-population, fast ones first.
    """

    strategy: AbstractStrategy = held()
    periods: tuple[int, ...] = attrs.field(
        default=(1, 10, 25, 50), converter=_listed, validator=_are_rounds
    )

    def select_ancestry(
        self, my_genome: Genome, population_genomes: Population, context: Context, **offered: Any
    ) -> Ancestry | None:
        """Select within the own sub-population when it is its turn."""
        # Asked in any case: it may draw from the stream that all members draw from alike.
        chosen = super().select_ancestry(my_genome, population_genomes, context, **offered)
        mine = context.rank % self._count(len(population_genomes))
        if (context.generation + 1) % self.periods[mine]:
            return Ancestry.sole(context.rank, population_genomes)
        if chosen is None or chosen.dominant == context.rank:
            return chosen
        return self._migrated(chosen, mine, population_genomes)

    def handle_crossbreeding(self, **offered: Any) -> AbstractAllele | None:
        """Keep my own genes where the weights come from another sub-population."""
        bred = super().handle_crossbreeding(**offered)  # in any case, as above
        context: Context = offered["context"]
        count = self._count(context.population_size)
        if offered["ancestry"].dominant % count != context.rank % count:
            mine: AbstractAllele = offered["my_allele"]
            return mine
        return bred

    def _candidates(self, me: int, population_genomes: Population) -> Sequence[int]:
        count = self._count(len(population_genomes))
        return range(me % count, len(population_genomes), count)

    def _count(self, members: int) -> int:
        return max(1, min(len(self.periods), members // 2))

    def _migrated(self, chosen: Ancestry, mine: int, population: Population) -> Ancestry:
        fitnesses, count = population.fitnesses(), self._count(len(population))
        faster = [rank for rank in range(len(population)) if rank % count < mine]
        best = min(faster, key=fitnesses.__getitem__, default=chosen.dominant)
        better = fitnesses[best] < fitnesses[chosen.dominant]
        return Ancestry.sole(best, population) if better else chosen
