"""The output of a process, taken apart into whole lines."""

from __future__ import annotations

import re

_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[@-ln-~]")
"""Control sequences other than colours: they would move the cursor into lines of other ranks."""


class Lines:
    """One stream of one process. A line is handed out when it is whole.

    A carriage return begins a line anew, as on a terminal: of a progress bar, only what is seen
    last counts.
    """

    def __init__(self) -> None:
        """Begin without output."""
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Take more output, and return the lines that it completes."""
        *whole, rest = (self._rest + data).split(b"\n")
        *before, last = rest.split(b"\r")
        # A carriage return at the end may belong to the end of a line.
        self._rest = last if last or not before else before[-1] + b"\r"
        return [_seen(line) for line in whole]

    @property
    def unfinished(self) -> str:
        """What stands in the last line, which is not whole."""
        return _seen(self._rest)

    def finish(self) -> list[str]:
        """Return the last line, if anything stands in it."""
        rest, self._rest = self.unfinished, b""
        return [rest] if rest else []


def _seen(line: bytes) -> str:
    """Return what a terminal shows of a line."""
    seen = next((part for part in reversed(line.split(b"\r")) if part), b"")
    return _CONTROL.sub(b"", seen).decode(errors="replace").rstrip()
