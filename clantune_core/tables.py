"""Small tables in plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], indent: str = "  ") -> str:
    """Return the rows under their headings, in columns as wide as they need to be."""
    lines = [list(headings), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join((indent + "  ".join(map(str.ljust, line, widths))).rstrip() for line in lines)
