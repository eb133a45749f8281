"""The file of a history: lines are appended, read, and cut to the generation of a population."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Iterator
from pathlib import Path

from clantune_neuro.errors import DirectoryError
from clantune_neuro.run.files import damaged
from clantune_neuro.run.history import NAME, Line

_LOG = logging.getLogger("clantune_neuro")


class HistoryFile:
    """Appends to the history of a run."""

    def __init__(self, folder: Path, generations: int = 0) -> None:
        """Open the history, and drop what a population that is resumed does not know.

        The run breeds the same generations again.

        Args:
            folder: The directory of the run.
            generations: Number of generations to keep.

        Raises:
            DirectoryError: There are fewer generations, or a line of one of them is damaged.
        """
        self._ends = _ends(folder / NAME, generations)
        self._out = (folder / NAME).open("a+b")
        self.close = weakref.finalize(self, self._out.close)  # also of a run that is forgotten
        self._out.truncate(self._ends[-1])

    def append(self, line: Line) -> None:
        """Append a generation. It survives the end of this process.

        It replaces what an interrupted attempt wrote of the same generation.
        """
        del self._ends[line.generation + 1 :]
        self._out.truncate(self._ends[-1])
        data = line.text().encode()
        self._out.write(data)
        self._out.flush()
        self._ends.append(self._ends[-1] + len(data))

    def sync(self) -> None:
        """Wait until the disk has all lines."""
        os.fsync(self._out.fileno())


def _ends(file: Path, generations: int) -> list[int]:
    """Return 0 and the number of bytes up to the end of each of so many generations."""
    ends = [0]
    for text in _texts(file):
        if not text.endswith(b"\n"):
            _LOG.warning("%s ends with a torn line, which is dropped", file)
        elif len(ends) <= generations:
            _line(file, len(ends) - 1, text)
            ends.append(ends[-1] + len(text))
    found = len(ends) - 1
    if found < generations:
        raise DirectoryError(
            f"{file} has {found} generations, and the population of {file.parent} is that of "
            f"generation {generations - 1}; copy both files from one backup",
            folder=str(file.parent),
        )
    return ends


def _texts(file: Path) -> Iterator[bytes]:
    """Yield the lines of a file; none if there is no file."""
    if file.exists():
        with file.open("rb") as lines:
            yield from lines


def read_history(folder: str | os.PathLike[str]) -> Iterator[Line]:
    """Yield the generations of a run, also of one that is going on.

    Args:
        folder: The directory of the run.

    Raises:
        DirectoryError: There is no history, or a line is damaged. A last line that is torn is left
            out, and a log message tells so.
    """
    file = Path(folder) / NAME
    if not file.exists():
        raise DirectoryError(f"{folder} contains no run: {NAME} is missing", folder=str(folder))
    for number, text in enumerate(_texts(file)):
        if not text.endswith(b"\n"):
            _LOG.warning("%s ends with a torn line, which is left out", file)
            return
        yield _line(file, number, text)


def _line(file: Path, number: int, text: bytes) -> Line:
    """Return the line of a generation.

    Raises:
        DirectoryError: The text is not a line of a history, or that of another generation.
    """
    try:
        line = Line.read(text)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise damaged(file, error, line=number + 1) from error
    if line.generation != number:
        stands = ValueError(f"it is generation {line.generation}, and {number} must stand here")
        raise damaged(file, stands, line=number + 1)
    return line
