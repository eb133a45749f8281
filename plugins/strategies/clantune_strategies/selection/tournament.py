"""Tournament: repeatedly draw a few members and take the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import attrs

from clantune_core import AbstractCrossbreedingStrategy, Ancestry, Population
from clantune_strategies._parents import has_survived
from clantune_strategies.checks import integer_field, number_field


@attrs.frozen
class Tournament(AbstractCrossbreedingStrategy):
    """The best of `size` members drawn at random wins a tournament; wins become shares.

    Use it as the default choice: only the order of the fitnesses matters, and `size` sets the
    selection pressure. Members are drawn with replacement, so a population may be smaller than
    `size`. A failed member wins only if all members failed.

    Attributes:
        size: Members drawn per tournament, 1 (no selection pressure) or more.
        tournaments: Tournaments per offspring, which is also the largest number of parents.
        smoothing: Wins that every surviving member has in advance, 0 or more. Above 0 every one of
            them contributes.
    """

    size: int = integer_field(3)
    tournaments: int = integer_field(2)
    smoothing: float = number_field(0.0)

    def select_ancestry(self, population_genomes: Population, rng: Random) -> Ancestry:
        """Run the tournaments."""
        fitnesses = population_genomes.fitnesses()
        ranks = len(fitnesses)
        wins = dict.fromkeys(_survivors(fitnesses), self.smoothing) if self.smoothing else {}
        for _ in range(self.tournaments):
            drawn = [int(rng.random() * ranks) for _ in range(self.size)]
            winner = min(drawn, key=fitnesses.__getitem__)
            if not has_survived(fitnesses[winner]):  # every drawn member failed: draw a survivor
                winner = rng.choice(_survivors(fitnesses))
            wins[winner] = wins.get(winner, 0.0) + 1.0
        return Ancestry.from_shares(wins, population_genomes)


def _survivors(fitnesses: Sequence[float]) -> Sequence[int]:
    """Return the ranks that survived, or all ranks if none did."""
    ranks = range(len(fitnesses))
    return [rank for rank in ranks if has_survived(fitnesses[rank])] or ranks
