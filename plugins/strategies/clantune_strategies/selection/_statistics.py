"""Averages of fitnesses, which stay finite for the largest floats."""

from __future__ import annotations

import math
from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    size = len(values)
    scale = 2.0 ** size.bit_length()  # avoids overflow of the sum; a power of two is exact
    return math.fsum(value / scale for value in values) / (size / scale)


def median(values: Sequence[float]) -> float:
    """Return the median; of an even number of values, the mean of the two in the middle."""
    half = len(values) // 2
    return mean(sorted(values)[half - 1 + len(values) % 2 : half + 1])


def average_positions(fitnesses: Sequence[float]) -> list[float]:
    """Return the position of each fitness in sorted order, 0 for the best; ties share the mean."""
    positions: dict[float, list[int]] = {}
    for position, fitness in enumerate(sorted(fitnesses)):
        positions.setdefault(fitness, []).append(position)
    shared = {fitness: mean(tied) for fitness, tied in positions.items()}
    return [shared[fitness] for fitness in fitnesses]
