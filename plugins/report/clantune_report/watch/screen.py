"""The view on a terminal: frame after frame until the run ends, or one frame."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from clantune_clan import ClanError
from clantune_report.facts import Facts
from clantune_report.finding import begun_file_in, other_files_in, run_file_at
from clantune_report.watch.following import Follower
from clantune_report.watch.frame import frame, message
from clantune_report.watch.glyphs import glyphs_for
from clantune_report.watch.paper import Paper
from clantune_report.watch.progress import progress_of
from clantune_report.watch.snapshot import Snapshot
from clantune_report.wording import listed


@attrs.define
class Watched:
    """The run at a place, which may not exist yet.

    Attributes:
        place: File of the run, or a folder with it.
    """

    place: Path
    _follower: Follower | None = None
    _snapshot: Snapshot | None = None

    def look(self) -> Snapshot | None:
        """Return what the file says now; None if no run has begun there.

        Raises:
            ClanError: There are several files, or the file is damaged.
        """
        path = self._find() if self._follower is None else None
        if path is not None:
            self._follower = Follower(path)
        if self._follower is not None and self._follower.look():
            run = self._follower.run
            self._snapshot = None if run is None else Snapshot(Facts(run), self._follower.written)
        return self._snapshot

    def awaited(self) -> str:
        """Return what the view waits for, before a run has begun."""
        others = other_files_in(self.place) if self.place.is_dir() else []
        if others and self._follower is None:
            return (
                f"waiting in {self.place}, beside {listed(others)}, for the file that "
                "Clan(history=...) names"
            )
        return f"waiting for a run that begins in {self.place}"

    def _find(self) -> Path | None:
        """Return the path of the file to follow; None if it is not known yet."""
        if self.place.is_dir():
            return begun_file_in(self.place)
        return self.place if self.place.exists() else None


def show_once(place: Path, console: Console) -> None:
    """Print one frame.

    Raises:
        ClanError: No run has begun there, or its file is damaged.
    """
    snapshot = Watched(run_file_at(place)).look()
    if snapshot is None:
        raise ClanError(f"no run has begun in {place}: start it first")
    height = console.height if console.is_terminal else None
    _print(frame(snapshot, time.time(), _paper(console, height)), console)


def show_live(place: Path, console: Console, interval: float) -> None:
    """Show frames until all steps of the run are done. The last one stays on the terminal.

    Args:
        place: File of the run, or a folder with it.
        console: Terminal.
        interval: Seconds between two frames.

    Raises:
        ClanError: There are several files, or the file is damaged.
    """
    watched = Watched(place)
    resized = threading.Event()
    handlers = {"SIGWINCH": resized.set, "SIGTERM": _end}
    with _handling(handlers), Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            resized.clear()
            snapshot, now = watched.look(), time.time()
            paper = _paper(console, console.height)
            if snapshot is None:
                lines = message(f"{watched.awaited()}; Ctrl-C ends this view", paper)
            else:
                lines = frame(snapshot, now, paper)
            live.update(Group(*lines), refresh=True)
            if snapshot is not None and progress_of(snapshot.run, snapshot.pace, now).is_complete:
                break
            resized.wait(interval)
    _print(lines, console)


def _paper(console: Console, height: int | None) -> Paper:
    return Paper(width=console.width, height=height, glyphs=glyphs_for(console, os.environ))


def _print(lines: list[Text], console: Console) -> None:
    for line in lines:
        console.print(line, no_wrap=True, crop=True)


def _end() -> None:
    """End as a process does that SIGTERM ends, but give the terminal back before."""
    raise SystemExit(128 + signal.SIGTERM)


@contextmanager
def _handling(handlers: Mapping[str, Callable[[], None]]) -> Iterator[None]:
    """Call functions at signals, by the names of those that this system has."""
    known = {name: getattr(signal, name) for name in handlers if hasattr(signal, name)}
    before = {
        number: signal.signal(number, lambda *_, call=handlers[name]: call())
        for name, number in known.items()
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
