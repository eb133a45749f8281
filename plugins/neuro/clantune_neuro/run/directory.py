"""The directory of a run: its settings, its history, its last population and given weights."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from clantune_neuro.errors import DirectoryError
from clantune_neuro.run import history, lock, population_file, settings
from clantune_neuro.run.history import Line
from clantune_neuro.run.history_file import HistoryFile
from clantune_neuro.run.lock import Lock
from clantune_neuro.run.population_file import write_population
from clantune_neuro.run.progress import Progress
from clantune_neuro.run.settings import Settings

BIRTHS = "births"
"""Name of the folder of given weights."""

SECONDS = 1.0
"""The shortest time between two writings of a population while a run goes on."""

SHARE = 20
"""A population is written at most every so many times as long as its writing took."""

_NAMES = {history.NAME, lock.NAME, population_file.NAME, settings.NAME, BIRTHS}


class Directory:
    """A run directory that this process writes.

    A run is deterministic. After an interruption it goes on from the last population that was
    written, and breeds the generations after it again.

    Attributes:
        folder: The directory.
    """

    def __init__(self, folder: Path, held: Lock, written: HistoryFile) -> None:
        """Take over an open directory; see `begin` and `reopen`."""
        self.folder = folder
        self._lock = held
        self._history = written
        self._next = 0.0
        self._saved: Progress | None = None

    @classmethod
    def begin(
        cls, folder: str | os.PathLike[str], chosen: Settings, first: Callable[[], Progress]
    ) -> tuple[Directory, Progress]:
        """Make the directory of a new run. Return it and the progress that it holds.

        Args:
            folder: The directory. It may exist and be empty.
            chosen: The settings of the run.
            first: Returns the members before the first generation.

        Raises:
            DirectoryError: It contains a run, or something else, or is in use.
        """
        path = Path(folder)
        _require_free(path)
        path.mkdir(parents=True, exist_ok=True)
        held = Lock(path)
        try:
            _require_free(path)  # another process may have begun, and even ended, before the lock
            (path / history.NAME).unlink(missing_ok=True)
            made, progress = cls(path, held, HistoryFile(path)), first()
            made.save(progress)
            chosen.write(path)  # last: a directory with this file is complete
        except BaseException:
            held.release()
            raise
        return made, progress

    @classmethod
    def reopen(
        cls, folder: str | os.PathLike[str], load: Callable[[Path], Progress]
    ) -> tuple[Directory, Progress]:
        """Open the directory of a run that goes on. Return it and the progress that it holds.

        Args:
            folder: The directory.
            load: Reads the progress.

        Raises:
            DirectoryError: It contains no run, is in use, is damaged, or has a newer format.
        """
        path = Path(folder)
        require_run(path)
        held = Lock(path)
        try:
            progress = load(path)
            written = HistoryFile(path, progress.generation + 1)
        except BaseException:
            held.release()
            raise
        return cls(path, held, written), progress

    def record(self, line: Line, progress: Progress) -> None:
        """Append a generation to the history, and write the population from time to time."""
        self._history.append(line)
        if time.monotonic() >= self._next:
            self.save(progress)

    def save(self, progress: Progress) -> None:
        """Write the population, unless it is written already."""
        if progress is self._saved:
            return
        begun = time.monotonic()
        self._history.sync()  # the history is never behind the population
        write_population(self.folder, progress)
        self._saved, done = progress, time.monotonic()
        self._next = done + max(SECONDS, SHARE * (done - begun))

    def close(self) -> None:
        """Close the history, and let other processes use the directory."""
        self._history.close()
        self._lock.release()


def require_run(path: Path) -> None:
    """Raise an error unless a directory contains a run."""
    if not (path / settings.NAME).is_file():
        raise DirectoryError(
            f"{path} contains no run: {settings.NAME} is missing", folder=str(path)
        )


def _require_free(path: Path) -> None:
    if not path.exists():
        return
    if (path / settings.NAME).exists():
        raise DirectoryError(
            f"{path} contains a run; go on with it: clantune neuro resume {path}, or "
            f"Evolve.resume({str(path)!r}, network, task); or choose another directory",
            folder=str(path),
        )
    names = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else [path.name]
    others = [name for name in names if name.removesuffix(".part") not in _NAMES]
    if others:  # files of a run that ended before it began are none
        raise DirectoryError(
            f"{path} is not a run directory: it contains {others[0]!r}; choose a directory that "
            "is empty or does not exist",
            folder=str(path),
        )
