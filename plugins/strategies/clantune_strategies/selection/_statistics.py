"""Averages of fitnesses, which may be as large as numbers get."""

from __future__ import annotations

import math
from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    size = len(values)
    scale = 2.0 ** size.bit_length()  # their sum might be too large; a power of two rounds nothing
    return math.fsum(value / scale for value in values) / (size / scale)


def median(values: Sequence[float]) -> float:
    """Return the median; of an even number of values, the mean of the two in the middle."""
    half = len(values) // 2
    return mean(sorted(values)[half - 1 + len(values) % 2 : half + 1])


def average_places(fitnesses: Sequence[float]) -> list[float]:
    """Return the place of each fitness, 0 for the best; equal ones share the mean of theirs."""
    places: dict[float, list[int]] = {}
    for place, fitness in enumerate(sorted(fitnesses)):
        places.setdefault(fitness, []).append(place)
    shared = {fitness: mean(together) for fitness, together in places.items()}
    return [shared[fitness] for fitness in fitnesses]
