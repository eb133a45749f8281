"""Tournament: the best of a few drawn at random, several times."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import attrs

from clantune_core import AbstractCrossbreedingStrategy, Ancestry, Population
from clantune_strategies._checks import number
from clantune_strategies._choosing import is_alive


@attrs.frozen
class Tournament(AbstractCrossbreedingStrategy):
    """Each tournament draws `size` members and is won by the best of them; wins become shares.

    Use it when you know nothing: only the order of the fitnesses counts, and `size` says how much.
    Members are drawn with replacement, so that a population smaller than `size` will do. The dead
    win nothing while anybody lives.

    Attributes:
        size: Members drawn for one tournament, 1 (chance alone) or more.
        tournaments: How many are held for one offspring: at most so many parents.
        smoothing: Wins that every living member has beforehand, 0 or more, so that nobody is left
            out.
    """

    size: int = number(3, 1)
    tournaments: int = number(2, 1)
    smoothing: float = number(0.0)

    def select_ancestry(self, population_genomes: Population, rng: Random) -> Ancestry:
        """Hold the tournaments."""
        fitnesses = population_genomes.fitnesses()
        ranks = len(fitnesses)
        wins = dict.fromkeys(_living(fitnesses), self.smoothing) if self.smoothing else {}
        for _ in range(self.tournaments):
            drawn = [int(rng.random() * ranks) for _ in range(self.size)]
            winner = min(drawn, key=fitnesses.__getitem__)
            if not is_alive(fitnesses[winner]):  # all that were drawn are dead: draw a living one
                winner = rng.choice(_living(fitnesses))
            wins[winner] = wins.get(winner, 0.0) + 1.0
        return Ancestry.from_shares(wins, population_genomes)


def _living(fitnesses: Sequence[float]) -> Sequence[int]:
    """Return the ranks of those who live; all ranks if nobody does."""
    ranks = range(len(fitnesses))
    return [rank for rank in ranks if is_alive(fitnesses[rank])] or ranks
