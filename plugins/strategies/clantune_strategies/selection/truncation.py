"""The best replace the worst; all other members keep themselves."""

from __future__ import annotations

from random import Random

import attrs

from clantune_core import AbstractCrossbreedingStrategy, Ancestry, Genome, Population
from clantune_strategies._parents import best_first, group_size, has_survived
from clantune_strategies.checks import number_field


@attrs.frozen
class Truncation(AbstractCrossbreedingStrategy):
    """A random one of the best replaces each of the worst; all others keep themselves.

    Use it for population based training, whose exploit step it is. Lineages stay separate until one
    is replaced. A failed member counts as one of the worst and never as one of the best. A member
    keeps itself if the drawn one is not better.

    Attributes:
        quantile: Share of members in the worst group and in the best group, 0 to 0.5. With two or
            more members each group has at least one.
    """

    quantile: float = number_field(0.25, 0.0, 0.5)

    def select_ancestry(
        self, my_genome: Genome, population_genomes: Population, rng: Random
    ) -> Ancestry:
        """Draw a parent from the best if this member is one of the worst."""
        me = population_genomes.rank_of(my_genome)
        fitnesses = population_genomes.fitnesses()
        best, worst = _ends(fitnesses, self.quantile, self.quantile)
        if me not in worst or not best:
            return Ancestry.sole(me, population_genomes)
        drawn = best[int(rng.random() * len(best))]
        parent = drawn if fitnesses[drawn] < fitnesses[me] else me
        return Ancestry.sole(parent, population_genomes)


@attrs.frozen
class ThriveSurviveDie(AbstractCrossbreedingStrategy):
    """All of the best together replace each of the worst; all others keep themselves.

    Use it where an offspring should have several parents and the best must not be lost. The parents
    of a replaced member are the best members that are better than it, in equal parts; if there are
    none, it keeps itself. A failed member counts as one of the worst and never as one of the best.

    Attributes:
        thrive: Share of members that become parents, 0 to 0.5; at least one of two or more members.
        die: Share of members that are replaced, 0 to 0.5; at least one of two or more members.
    """

    thrive: float = number_field(0.25, 0.0, 0.5)
    die: float = number_field(0.25, 0.0, 0.5)

    def select_ancestry(self, my_genome: Genome, population_genomes: Population) -> Ancestry:
        """Select the best as parents if this member is one of the worst."""
        me = population_genomes.rank_of(my_genome)
        fitnesses = population_genomes.fitnesses()
        thriving, dying = _ends(fitnesses, self.thrive, self.die)
        better = [rank for rank in thriving if fitnesses[rank] < fitnesses[me]]
        parents = better if me in dying and better else [me]
        return Ancestry.from_shares(dict.fromkeys(parents, 1.0), population_genomes)


def _ends(fitnesses: tuple[float, ...], best: float, worst: float) -> tuple[list[int], list[int]]:
    """Return the ranks of the best group, without failed members, and of the worst, with all."""
    order, size = best_first(fitnesses), len(fitnesses)
    survivors = sum(map(has_survived, fitnesses))
    first_of_the_worst = min(size - group_size(size, worst), survivors)
    return order[: min(group_size(size, best), survivors)], order[first_of_the_worst:]
