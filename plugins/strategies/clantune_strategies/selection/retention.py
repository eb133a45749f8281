"""Wrappers by which a member can keep itself, whatever another strategy selects."""

from __future__ import annotations

import math
from typing import Any

import attrs

from clantune_core import AbstractStrategy, Ancestry, Genome, Population
from clantune_strategies._parents import best_first, has_survived
from clantune_strategies.checks import integer_field, number_field, strategy_field
from clantune_strategies.wrappers import SelectionWrapper


@attrs.frozen
class KeepBest(SelectionWrapper):
    """The best members keep themselves; another strategy selects for all others.

    Use it so that chance cannot remove the best genome. A mutation listed after it still changes
    the genes of the best members. A failed member never keeps itself.

    Attributes:
        strategy: Selects for all other members.
        number: How many members keep themselves, 1 or more; among equal fitnesses the lower ranks.
    """

    strategy: AbstractStrategy = strategy_field()
    number: int = integer_field(1)

    def select_ancestry(
        self, my_genome: Genome, population_genomes: Population, **arguments: Any
    ) -> Ancestry | None:
        """Select this member itself if it is one of the best."""
        # Call it on every rank: it may draw from the stream that all ranks share.
        ancestry = self.inner_select(population_genomes, my_genome=my_genome, **arguments)
        me = population_genomes.rank_of(my_genome)
        fitnesses = population_genomes.fitnesses()
        if has_survived(fitnesses[me]) and me in best_first(fitnesses)[: self.number]:
            return Ancestry.sole(me, population_genomes)
        return ancestry


@attrs.frozen
class Significant(SelectionWrapper):
    """A member is replaced only by parents that are better than it by more than the noise.

    Use it where fitness is measured on little data, so that luck does not replace weights. A member
    is replaced if the expected fitness of its parents is lower than its own by more than
    `z * sqrt(2) * noise * |own fitness|`. Parents that include a failed member are never better. A
    failed member is always replaced.

    Attributes:
        strategy: Selects the parents that are compared with the member.
        noise: Standard deviation of repeated measurements of a fitness, relative to the fitness; 0
            or more.
        z: Number of standard deviations of a difference that counts as noise, 0 or more.
    """

    strategy: AbstractStrategy = strategy_field()
    noise: float = number_field(0.01)
    z: float = number_field(2.0)

    def select_ancestry(
        self, my_genome: Genome, population_genomes: Population, **arguments: Any
    ) -> Ancestry | None:
        """Compare the selected parents with this member."""
        ancestry = self.inner_select(population_genomes, my_genome=my_genome, **arguments)
        fitnesses = population_genomes.fitnesses()
        me = population_genomes.rank_of(my_genome)
        if ancestry is None or not has_survived(fitnesses[me]):
            return ancestry
        expected = sum(share * fitnesses[rank] for rank, share in ancestry.contributors)
        margin = self.z * math.sqrt(2.0) * self.noise * abs(fitnesses[me])
        if expected < fitnesses[me] - margin:
            return ancestry
        return Ancestry.sole(me, population_genomes)
