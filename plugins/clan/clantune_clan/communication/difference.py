"""The first difference between the entries of two ranks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def difference_of(first: Mapping[str, Any], other: Mapping[str, Any], rank: int) -> str:
    """Return a description of the first difference, or an empty string.

    Args:
        first: Entries of rank 0 by name.
        other: Entries of another rank by name.
        rank: Number of the other rank.
    """
    for name in [*first, *other]:
        here, there = first.get(name, "missing"), other.get(name, "missing")
        if here != there:
            return f"{name} is {here} on rank 0 and {there} on rank {rank}"
    for place, (here, there) in enumerate(zip(first, other, strict=True), start=1):
        if here != there:
            return f"number {place} is {here} on rank 0 and {there} on rank {rank}"
    return ""
