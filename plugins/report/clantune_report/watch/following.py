"""Following the file of a run: each look reads only the lines that were appended since."""

from __future__ import annotations

import os
from pathlib import Path

from clantune_clan import ClanError, RoundRecord
from clantune_clan.records import PhaseStart, RunEnd, RunFile, RunStart
from clantune_clan.records.events import Event
from clantune_clan.records.run_file import parsed


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
        if not self._starts:
            return None
        return RunFile(
            path=self.path,
            starts=tuple(self._starts),
            phases=tuple(self._phases),
            rounds=tuple(self._rounds),
            end=self._end,
        )

    def look(self) -> bool:
        """Read the lines that are new, and return whether there are any.

        Raises:
            ClanError: The file cannot be read, or a line is damaged; the error names file and line.
        """
        try:
            return self._read()
        except FileNotFoundError:
            was_there = self._lines > 0
            self._forget()
            return was_there
        except OSError as error:
            raise ClanError(f"{self.path} cannot be read: {error}") from error

    def _read(self) -> bool:
        with self.path.open("rb") as file:
            self.written = os.fstat(file.fileno()).st_mtime
            before = self._lines
            file.seek(self._end_of_last_line - len(self._last_line))
            if file.read(len(self._last_line)) != self._last_line:
                # The file was replaced or cut, as a resume does.
                self._forget()
                file.seek(0)
            was_replaced = self._lines != before
            for line in file:
                if not line.endswith(b"\n"):
                    break  # it is being written
                self._take(line)
            return was_replaced or self._lines > before

    def _forget(self) -> None:
        self._lines = self._end_of_last_line = 0
        self._last_line = b""
        self._starts: list[RunStart] = []
        self._phases: list[PhaseStart] = []
        self._rounds: list[tuple[RoundRecord, ...]] = []
        self._members: list[RoundRecord] = []  # of a round of which a record is missing
        self._end: RunEnd | None = None

    def _take(self, line: bytes) -> None:
        self._lines += 1
        try:
            self._add(parsed(line.decode()))
        except (ClanError, UnicodeDecodeError) as error:
            raise ClanError(f"{self.path}, line {self._lines}: {error}") from error
        self._end_of_last_line += len(line)
        self._last_line = line

    def _add(self, entry: RoundRecord | Event) -> None:
        if not self._starts and not isinstance(entry, RunStart):
            raise ClanError(
                "a file of a run begins with its start: give the file that Clan(history=...) names"
            )
        self._end = entry if isinstance(entry, RunEnd) else None
        match entry:
            case RunStart():
                self._starts.append(entry)
            case PhaseStart():
                self._phases.append(entry)
            case RoundRecord():
                self._add_record(entry)

    def _add_record(self, record: RoundRecord) -> None:
        expected = len(self._members)
        if record.member != expected or any(m.round != record.round for m in self._members):
            raise ClanError(
                f"this is the record of member {record.member} in round {record.round}, where that "
                f"of member {expected} belongs"
            )
        self._members.append(record)
        if len(self._members) == self._starts[-1].members:
            self._rounds.append(tuple(self._members))
            self._members.clear()
