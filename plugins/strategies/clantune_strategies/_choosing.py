"""What selections and crossbreedings have in common: who is better, and who is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence

from clantune_core import Ancestry


def best_first(fitnesses: Sequence[float]) -> list[int]:
    """Return the ranks from the best fitness to the worst; of equals the lower rank is first."""
    return sorted(range(len(fitnesses)), key=fitnesses.__getitem__)


def share_of(size: int, share: float) -> int:
    """Return how many members a share of a population is: one at least, half of it at most."""
    return max(1, min(round(size * share), size // 2)) if size > 1 else 0


def is_alive(fitness: float) -> bool:
    """Whether a fitness, as `Population.fitnesses` gives it, is that of a member that survived."""
    return fitness < math.inf


def drawn_parent(ancestry: Ancestry, number: float) -> int:
    """Return the rank that a number in [0, 1) falls on, each as wide as its probability."""
    for rank, probability in ancestry.contributors:
        number -= probability
        if number < 0.0:
            return rank
    return ancestry.contributors[-1][0]  # the probabilities may sum to a little less than 1
