"""The first difference between what two ranks have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def difference_of(first: Mapping[str, Any], other: Mapping[str, Any], rank: int) -> str:
    """Return the first difference in words; nothing if there is none.

    Args:
        first: The entries of rank 0 by name.
        other: Those of another rank.
        rank: The other rank.
    """
    for name in [*first, *other]:
        here, there = first.get(name, "missing"), other.get(name, "missing")
        if here != there:
            return f"{name} is {here} on rank 0 and {there} on rank {rank}"
    for place, (here, there) in enumerate(zip(first, other, strict=True), start=1):
        if here != there:
            return f"number {place} is {here} on rank 0 and {there} on rank {rank}"
    return ""
