"""The worst are replaced by the best; everybody else stays."""

from __future__ import annotations

from random import Random

import attrs

from clantune_core import AbstractCrossbreedingStrategy, Ancestry, Genome, Population
from clantune_strategies._checks import number
from clantune_strategies._choosing import best_first, is_alive, share_of


@attrs.frozen
class Truncation(AbstractCrossbreedingStrategy):
    """One of the worst is replaced by one of the best, drawn for it; everybody else stays.

    Use it for population based training: this is its exploit. Each lineage stays apart until it is
    given up. A dead member counts as one of the worst, and never as one of the best; a member that
    is as good as the one drawn stays.

    Attributes:
        quantile: Share of the members that are the worst, and of those that are the best, 0 to 0.5;
            of two or more members, one at least.
    """

    quantile: float = number(0.25, 0.0, 0.5)

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
    """The best and most others stay; the worst die, and all of the best replace each of them.

    Use it where an offspring should have several parents, and the best must not be lost. A dying
    member's parents are those of the thriving that are better than it, in equal parts; if there is
    none it stays. A member without a finite fitness dies, and never thrives.

    Attributes:
        thrive: Share of the members that become parents, 0 to 0.5; of two or more, one at least.
        die: Share of the members that are replaced, 0 to 0.5; of two or more, one at least.
    """

    thrive: float = number(0.25, 0.0, 0.5)
    die: float = number(0.25, 0.0, 0.5)

    def select_ancestry(self, my_genome: Genome, population_genomes: Population) -> Ancestry:
        """Give a dying member the thriving ones as parents."""
        me = population_genomes.rank_of(my_genome)
        fitnesses = population_genomes.fitnesses()
        thriving, dying = _ends(fitnesses, self.thrive, self.die)
        better = [rank for rank in thriving if fitnesses[rank] < fitnesses[me]]
        parents = better if me in dying and better else [me]
        return Ancestry.from_shares(dict.fromkeys(parents, 1.0), population_genomes)


def _ends(fitnesses: tuple[float, ...], best: float, worst: float) -> tuple[list[int], list[int]]:
    """Return the ranks of the best, none of them dead, and of the worst, with all the dead."""
    order, size = best_first(fitnesses), len(fitnesses)
    alive = sum(map(is_alive, fitnesses))
    first_of_the_worst = min(size - share_of(size, worst), alive)
    return order[: min(share_of(size, best), alive)], order[first_of_the_worst:]
