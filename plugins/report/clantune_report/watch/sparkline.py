"""Sparklines: the values of a row as one line of characters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from clantune_report.watch.glyphs import Glyphs

FAILED = "x"
"""Character for a value that is not finite."""

Height = float | None
"""A height of a sparkline; None where there is no value, not finite where it failed."""


def sparkline(
    heights: Sequence[Height], low: float, high: float, width: int, glyphs: Glyphs
) -> str:
    """Return a line of characters, each for one value or for the mean of several.

    Args:
        heights: Values from left to right.
        low: Value at the lowest level.
        high: Value at the highest level.
        width: Number of characters at most.
        glyphs: Characters of the levels.
    """
    return "".join(_character(group, low, high, glyphs) for group in _groups(heights, width))


def _groups(heights: Sequence[Height], width: int) -> list[Sequence[Height]]:
    """Return the values in groups of nearly equal size, no more groups than characters."""
    number = min(len(heights), width)
    ends = [len(heights) * place // number for place in range(number + 1)] if number > 0 else []
    return [heights[begin:end] for begin, end in itertools.pairwise(ends)]


def _character(group: Sequence[Height], low: float, high: float, glyphs: Glyphs) -> str:
    known = [height for height in group if height is not None]
    if not known:
        return " "
    if not all(map(math.isfinite, known)):
        return FAILED
    if low == high:
        return glyphs.levels[len(glyphs.levels) // 2 - 1]
    share = (math.fsum(known) / len(known) - low) / (high - low)
    return glyphs.levels[min(len(glyphs.levels) - 1, max(0, int(share * len(glyphs.levels))))]
