"""Numbers, durations, lists and names as short text, the same in the page and in the view."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from clantune_clan.records import RunStart

MINUTE, HOUR, DAY = 60, 3600, 86400

FAILED = "failed"
"""The text of a metric that is not finite."""

ONE_MEMBER = "with one member nothing is compared, so no gene changes"


def number(value: Any, digits: int = 4) -> str:
    """Return a value of a gene, or a number, in a few characters."""
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    return f"{value:,}" if type(value) is int else str(value)


def metric(value: float) -> str:
    """Return a loss or a score."""
    return number(value) if math.isfinite(value) else FAILED


def metric_name(start: RunStart) -> str:
    """Return what the metric of a run is called: a low loss is good, or a high score."""
    return "score" if start.mode == "max" else "loss"


def counted(count: int, one: str) -> str:
    """Return a count with its noun, such as `"3 rounds"`."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def listed(words: Iterable[object], most: int = 8) -> str:
    """Return words in a sentence: `"1, 2 and 3"`, or the first ones and how many more."""
    every = [*map(str, words)]
    if len(every) > most:
        every[most - 1 :] = [f"{len(every) - most + 1:,} more"]
    return " and ".join(filter(None, (", ".join(every[:-1]), *every[-1:])))


def duration(seconds: float) -> str:
    """Return a duration as people say it: `"2 h 5 min"`, `"40 s"`, `"3 ms"`."""
    seconds = max(0.0, seconds)
    if 0.0 < seconds < 1.0:
        return f"{1000.0 * seconds:.3g} ms"
    if 0.0 < seconds < 10.0:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    for unit, name, smaller, smaller_name in (
        (DAY, "d", HOUR, "h"),
        (HOUR, "h", MINUTE, "min"),
        (MINUTE, "min", 1, "s"),
    ):
        if whole >= unit:
            rest = whole % unit // smaller
            return f"{whole // unit:,} {name}" + (f" {rest} {smaller_name}" if rest else "")
    return f"{whole} s"
