"""The table as lines: a sparkline and the latest value for each row and column."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs
from rich.text import Text

from clantune_report.watch.columns import Column
from clantune_report.watch.glyphs import Glyphs
from clantune_report.watch.rows import Row
from clantune_report.watch.sparkline import sparkline
from clantune_report.wording import FAILED

GAP = 2
"""Characters between two columns."""

SHORTEST, LONGEST = 8, 40
"""Characters of a sparkline: how many it has at least if the terminal allows, and at most."""

LONGEST_VALUE = 12
"""Characters of a value at most, such as the name of a choice."""

BEST = "* "
"""Mark of the best member, not by colour alone."""


@attrs.frozen(kw_only=True)
class _Sizes:
    """Numbers of characters, and of columns side by side."""

    label: int
    line: int
    value: int
    beside: int

    @classmethod
    def of(cls, rows: Sequence[Row], columns: Sequence[Column], width: int, rounds: int) -> _Sizes:
        label = len(BEST) + max(len(row.label) for row in (Row("member", ()), *rows))
        texts = [column.text(row) for column in columns for row in rows]
        value = min(LONGEST_VALUE, max(map(len, texts)))
        fit = max(1, (width - label) // (GAP + SHORTEST + 1 + value))
        blocks = math.ceil(len(columns) / fit)
        beside = math.ceil(len(columns) / blocks)
        room = (width - label) // beside - GAP - 1 - value
        line = max(1, min(room, LONGEST, max(rounds, SHORTEST)))
        return cls(label=label, line=line, value=value, beside=beside)


@attrs.frozen(kw_only=True)
class Table:
    """The table, in several blocks if its columns do not fit side by side.

    Attributes:
        rows: Rows, one or more.
        columns: Columns, one or more.
    """

    rows: Sequence[Row]
    columns: Sequence[Column]
    _sizes: _Sizes

    @classmethod
    def of(cls, rows: Sequence[Row], columns: Sequence[Column], width: int, rounds: int) -> Table:
        """Return a table for a terminal.

        Args:
            rows: Rows, one or more.
            columns: Columns, one or more.
            width: Characters of a line.
            rounds: Number of rounds that the sparklines have room for.
        """
        return cls(rows=rows, columns=columns, sizes=_Sizes.of(rows, columns, width, rounds))

    @property
    def height(self) -> int:
        """The number of lines."""
        return math.ceil(len(self.columns) / self._sizes.beside) * (1 + len(self.rows))

    def lines(self, glyphs: Glyphs) -> list[Text]:
        """Return the lines, which are drawn with these characters."""
        lines: list[Text] = []
        for begin in range(0, len(self.columns), self._sizes.beside):
            columns = self.columns[begin : begin + self._sizes.beside]
            block = [_Lines.of(column, self.rows) for column in columns]
            lines.append(_heading(block, self._sizes, glyphs))
            lines += [
                _line(place, row, block, self._sizes, glyphs) for place, row in enumerate(self.rows)
            ]
        return lines


@attrs.frozen
class _Lines:
    """A column with the heights of its sparklines, which share a scale."""

    column: Column
    heights: list[list[float | None]]
    low: float
    high: float

    @classmethod
    def of(cls, column: Column, rows: Sequence[Row]) -> _Lines:
        heights = [column.heights(row) for row in rows]
        finite = [h for line in heights for h in line if h is not None and math.isfinite(h)]
        return cls(column, heights, min(finite, default=0.0), max(finite, default=0.0))


def _heading(block: Sequence[_Lines], sizes: _Sizes, glyphs: Glyphs) -> Text:
    cell = GAP + sizes.line + 1 + sizes.value
    names = (
        " " * GAP + _fitted(glyphs.clean(each.column.name), cell - GAP, glyphs) for each in block
    )
    return Text(f"{'  member':{sizes.label}}{''.join(names)}".rstrip(), style="bold")


def _line(place: int, row: Row, block: Sequence[_Lines], sizes: _Sizes, glyphs: Glyphs) -> Text:
    label = f"{BEST if row.is_best else '  '}{row.label}"
    line = Text(f"{label:{sizes.label}}", style="bold" if row.is_best else "")
    for each in block:
        drawn = sparkline(each.heights[place], each.low, each.high, sizes.line, glyphs)
        text = _fitted(glyphs.clean(each.column.text(row)), sizes.value, glyphs)
        line.append(" " * GAP + f"{drawn:{sizes.line}} ")
        line.append(text, style="red" if text.rstrip() == FAILED else "")
    line.rstrip()
    return line


def _fitted(text: str, width: int, glyphs: Glyphs) -> str:
    """Return a text in exactly so many characters."""
    return text.ljust(width) if len(text) <= width else text[: width - 1] + glyphs.more
