"""Pairs: random pairs of members, in which the better one becomes the parent of the worse one."""

from __future__ import annotations

from random import Random

import attrs

from clantune_core import AbstractCrossbreedingStrategy, Ancestry, Context, Draws, Population


@attrs.frozen
class Pairs(AbstractCrossbreedingStrategy):
    """In each random pair the better member becomes the parent of the worse one.

    Use it in small populations, where copies of the overall best would soon fill the population:
    here the better half of every pair is copied. Pairs are drawn anew in each generation. A member
    keeps itself if it is better than its partner or equally good, or has no partner.
    """

    def select_ancestry(
        self, population_genomes: Population, context: Context, shared_draw: Draws
    ) -> Ancestry:
        """Compare this member with its partner."""
        ranks = [*range(context.population_size)]
        Random(shared_draw("pairs")).shuffle(ranks)
        index = ranks.index(context.rank) ^ 1
        partner = ranks[index] if index < len(ranks) else context.rank
        fitnesses = population_genomes.fitnesses()
        better = fitnesses[partner] < fitnesses[context.rank]
        return Ancestry.sole(partner if better else context.rank, population_genomes)
