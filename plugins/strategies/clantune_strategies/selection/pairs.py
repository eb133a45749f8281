"""Pairs: members meet two by two, and the worse one has the better one for a parent."""

from __future__ import annotations

from random import Random

import attrs

from clantune_core import AbstractCrossbreedingStrategy, Ancestry, Context, Once, Population


@attrs.frozen
class Pairs(AbstractCrossbreedingStrategy):
    """In each pair, drawn anew every generation, the worse member's parent is the better one.

    Use it in small populations, where the best of all would soon be everywhere: the better half of
    the pairs is copied, whoever they are. Who is better or as good, or has no partner, stays.
    """

    def select_ancestry(
        self, population_genomes: Population, context: Context, shared_once: Once
    ) -> Ancestry:
        """Look at my partner."""
        ranks = [*range(context.population_size)]
        Random(shared_once("pairs")).shuffle(ranks)
        place = ranks.index(context.rank) ^ 1
        partner = ranks[place] if place < len(ranks) else context.rank
        fitnesses = population_genomes.fitnesses()
        better = fitnesses[partner] < fitnesses[context.rank]
        return Ancestry.sole(partner if better else context.rank, population_genomes)
