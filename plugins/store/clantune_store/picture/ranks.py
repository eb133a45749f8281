"""How strongly a parameter and a metric go together, by ranks."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

FEWEST = 4
"""Runs that a rank correlation needs."""


def ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, from 1; equal values share the mean of their ranks."""
    count, below, rank = Counter(values), 0, {}
    for value in sorted(count):
        rank[value] = below + (count[value] + 1) / 2
        below += count[value]
    return [rank[value] for value in values]


def ranks_within(values: Sequence[float], parts: Sequence[Hashable]) -> list[float]:
    """Return the rank of each value among those of its part, as a share of their count.

    Values of different data sets, which may have different sizes, are comparable so.
    """
    places = defaultdict(list)
    for at, part in enumerate(parts):
        places[part].append(at)
    found = [0.0] * len(values)
    for own in places.values():
        for at, rank in zip(own, ranks([values[at] for at in own]), strict=True):
            found[at] = (rank - 0.5) / len(own)
    return found


def correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation, from -1 to 1; None if it is not defined."""
    if len(first) < FEWEST or len({*first}) < 2 or len({*second}) < 2:
        return None
    return statistics.correlation(ranks(first), ranks(second))


def association(options: Sequence[Hashable], values: Sequence[float]) -> float | None:
    """Return how much of the ranks the options explain, from 0 to 1; None if it is not defined.

    It is the square root of epsilon squared of Kruskal and Wallis, which is about 0 for options
    that make no difference, however many there are.
    """
    count, kinds = len(values), len({*options})
    if count < FEWEST or kinds < 2 or kinds >= count or len({*values}) < 2:
        return None
    placed = ranks(values)
    of_option = defaultdict(list)
    for option, rank in zip(options, placed, strict=True):
        of_option[option].append(rank)
    middle = statistics.fmean(placed)
    between = sum(len(own) * (statistics.fmean(own) - middle) ** 2 for own in of_option.values())
    total = sum((rank - middle) ** 2 for rank in placed)
    explained = (between / total * (count - 1) - kinds + 1) / (count - kinds)
    return math.sqrt(max(0.0, explained))
