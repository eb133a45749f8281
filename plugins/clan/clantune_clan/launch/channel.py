"""One stream of one rank, from where the rank writes to the screen."""

from __future__ import annotations

import contextlib
import os
import termios
import tty

import attrs

from clantune_clan.launch.lines import Lines
from clantune_clan.launch.screen import Screen


@attrs.frozen(eq=False)
class Channel:
    """One stream of one rank.

    Attributes:
        rank: Number of the rank.
        stream: Number of the stream in the rank.
        read: Where this process reads.
        written: Where the rank writes; kept open, so that reading finds no end.
        path: Path of the same, for the rank to open.
        screen: Where the lines are shown.
        lines: The lines so far.
    """

    rank: int
    stream: int
    read: int
    written: int
    path: str
    screen: Screen
    lines: Lines = attrs.field(factory=Lines)

    @classmethod
    def open(cls, rank: int, stream: int, screen: Screen) -> Channel:
        """Open a channel: a terminal for a screen that is one, so that the rank sees a terminal."""
        if screen.is_terminal:
            read, written = os.openpty()
            tty.setraw(written)
            path = os.ttyname(written)
        else:
            read, written = os.pipe()
            path = f"/dev/fd/{written}"
        os.set_blocking(read, False)
        return cls(rank, stream, read, written, path, screen)

    def take(self) -> bytes:
        """Return what the rank has written since the last call."""
        try:
            return os.read(self.read, 1 << 16)
        except BlockingIOError:
            return b""

    def fit(self) -> None:
        """Tell the rank the size of the terminal."""
        if self.screen.is_terminal:
            rows = os.get_terminal_size(self.screen.file).lines
            with contextlib.suppress(OSError):
                termios.tcsetwinsize(self.written, (rows, self.screen.columns))
