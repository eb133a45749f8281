"""Following the file of a run: each look reads only the lines that were appended since."""

from __future__ import annotations

import os
from pathlib import Path

from clantune_clan import ClanError
from clantune_clan.records import RunFile
from clantune_clan.records.run_file import RunReader


class Follower:
    """Reads the file of a run again and again.

    Attributes:
        path: Path of the file.
        written: When the file was last written, in seconds since 1970.
    """

    def __init__(self, path: Path) -> None:
        """Follow a file, which may not exist yet."""
        self.path, self.written = path, 0.0
        self._forget()

    @property
    def run(self) -> RunFile | None:
        """The run with its complete rounds; None if no run has begun in the file."""
        return self._reader.run

    def look(self) -> bool:
        """Read the lines that are new, and return whether there are any.

        Raises:
            ClanError: The file cannot be read, or a line is damaged or does not fit.
        """
        try:
            return self._read()
        except FileNotFoundError:
            was_there = self._reader.lines > 0
            self._forget()
            return was_there
        except OSError as error:
            raise ClanError(f"{self.path} cannot be read: {error.strerror}") from error

    def _forget(self) -> None:
        self._reader = RunReader(self.path)
        self._end_of_last_line = 0
        self._last_line = b""

    def _read(self) -> bool:
        with self.path.open("rb") as file:
            self.written = os.fstat(file.fileno()).st_mtime
            before = self._reader.lines
            file.seek(self._end_of_last_line - len(self._last_line))
            if file.read(len(self._last_line)) != self._last_line:
                # The file was replaced or cut, as a resume does.
                self._forget()
                file.seek(0)
            was_replaced = self._reader.lines != before
            for line in file:
                if not line.endswith(b"\n"):
                    break  # it is being written
                self._reader.add(line)
                self._end_of_last_line += len(line)
                self._last_line = line
            return was_replaced or self._reader.lines > before
