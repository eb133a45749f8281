"""Where the lines of all ranks are shown: a terminal, or a file."""

from __future__ import annotations

import os
import re

import attrs

COLOURS = (36, 33, 32, 35, 34, 31)
"""Codes of colours for the ranks: cyan, yellow, green, magenta, blue, red."""

ERASE = "\r\x1b[K"

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@attrs.define
class Screen:
    """Writes whole lines with the rank before each, and below them a line that is not whole yet.

    Attributes:
        file: Number of the open file.
        members: Number of ranks.
        is_terminal: Whether a line can be shown before it is whole, such as a progress bar.
        has_colours: Whether the rank is coloured.
    """

    file: int
    members: int
    is_terminal: bool
    has_colours: bool
    _live: str = ""
    _is_gone: bool = False

    @classmethod
    def of(cls, file: int, members: int) -> Screen:
        """Return the screen of an open file."""
        is_terminal = os.isatty(file) and os.environ.get("TERM") != "dumb"
        return cls(file, members, is_terminal, is_terminal and not os.environ.get("NO_COLOR"))

    @property
    def columns(self) -> int:
        """Columns that are left beside the rank."""
        return max(os.get_terminal_size(self.file).columns - len(self._label(0)) - 1, 10)

    def show(self, lines: list[tuple[int, str]], unfinished: tuple[int, str] | None) -> None:
        """Write lines.

        Args:
            lines: The rank and the text of each.
            unfinished: The rank and the text of a line that is not whole yet.
        """
        text = "".join(f"{self._prefix(rank)}{line}\n" for rank, line in lines)
        live = ""
        if self.is_terminal and unfinished is not None:
            rank, line = unfinished
            live = f"{self._prefix(rank)}{self._cut(line)}"
        if text or live != self._live:
            self._write(f"{ERASE if self._live else ''}{text}{live}")
            self._live = live

    def _prefix(self, rank: int) -> str:
        label = self._label(rank)
        if not self.has_colours:
            return f"{label} "
        return f"\x1b[{COLOURS[rank % len(COLOURS)]}m{label}\x1b[0m "

    def _label(self, rank: int) -> str:
        return f"[{rank:>{len(str(self.members - 1))}}]"

    def _cut(self, line: str) -> str:
        """Return a line that fits: one that went on in the next row could not be erased."""
        plain = _COLOUR.sub("", line)
        return line if len(plain) < self.columns else plain[: self.columns - 1]

    def _write(self, text: str) -> None:
        data = text.encode()
        while data and not self._is_gone:
            try:
                data = data[os.write(self.file, data) :]
            except OSError:  # the terminal is closed; the ranks must not wait for it
                self._is_gone = True
