"""Numbers, durations and lists as short text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

MINUTE, HOUR, DAY = 60, 3600, 86400

FAILED = "failed"
"""The text of a metric that is not finite."""

MOST_NAMES = 8
"""Number of names in a list at most."""


def duration(seconds: float) -> str:
    """Return a duration in its two largest units."""
    whole = round(max(0.0, seconds))
    for unit, name, smaller, smaller_name in (
        (DAY, "d", HOUR, "h"),
        (HOUR, "h", MINUTE, "min"),
        (MINUTE, "min", 1, "s"),
    ):
        if whole >= unit:
            rest = whole % unit // smaller
            return f"{whole // unit} {name}" + (f" {rest} {smaller_name}" if rest else "")
    return f"{whole} s"


def value(of: Any, digits: int = 3) -> str:
    """Return a value of a gene, or a metric; one that is not finite is a failure."""
    if not isinstance(of, float):
        return str(of)
    return f"{of:.{digits}g}" if math.isfinite(of) else FAILED


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: Sequence[object]) -> str:
    """Return names as a list in a sentence; of many names the first ones."""
    texts = [*map(str, names)]
    if len(texts) > MOST_NAMES:
        texts[MOST_NAMES - 1 :] = [f"{len(texts) - MOST_NAMES + 1} more"]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
