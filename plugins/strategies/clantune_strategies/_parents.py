"""Rank members by fitness, and pick parents from an ancestry."""

from __future__ import annotations

import math
from collections.abc import Sequence

from clantune_core import Ancestry


def best_first(fitnesses: Sequence[float]) -> list[int]:
    """Return the ranks from the best fitness to the worst; equal fitnesses in rank order."""
    return sorted(range(len(fitnesses)), key=fitnesses.__getitem__)


def group_size(size: int, share: float) -> int:
    """Return how many members make up a share of a population: at least one, at most half."""
    return max(1, min(round(size * share), size // 2)) if size > 1 else 0


def has_survived(fitness: float) -> bool:
    """Whether a member survived its round, by its entry in `Population.fitnesses()`.

    That list shows NaN as infinity, so a failed member has an infinite fitness there.
    """
    return fitness < math.inf


def pick_parent(ancestry: Ancestry, number: float) -> int:
    """Return the rank at a number in [0, 1), where each parent's interval is its probability."""
    for rank, probability in ancestry.contributors:
        number -= probability
        if number < 0.0:
            return rank
    return ancestry.contributors[-1][0]  # rounding can leave the sum a little below 1
