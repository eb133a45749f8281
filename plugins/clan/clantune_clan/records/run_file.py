"""The file of a run, as another program reads it."""

from __future__ import annotations

import json
from pathlib import Path

import attrs

from clantune_clan.errors import ClanError
from clantune_clan.records import events
from clantune_clan.records.consistency import require_complete, require_fitting, require_resumed
from clantune_clan.records.events import Event, PhaseStart, RunEnd, RunStart
from clantune_clan.records.record import RoundRecord
from clantune_core import ClanTuneError


def parsed(line: str | bytes) -> RoundRecord | Event:
    """Return what a line of the file of a run describes.

    Raises:
        ClanError: The line is damaged, or of another version, or is in another kind of file.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ClanError(f"this is not a line of JSON: {error}") from error
    if isinstance(data, dict) and "event" in data:
        return events.from_data(data)
    if isinstance(data, dict) and {"version", "round"} & data.keys():
        return RoundRecord.from_data(data)
    raise ClanError(
        "this is not a line of the file of a run: give the file that Clan(history=...) names"
    )


@attrs.frozen(kw_only=True)
class RunFile:
    """The content of the file of a run, which may still be running.

    Attributes:
        path: Path of the file.
        starts: Settings of the run, each time that it began or resumed; one or more.
        phases: Starts of all phases.
        rounds: Records of all members of each complete round.
        end: End of the run; None if it runs, or its process was killed.
    """

    path: Path
    starts: tuple[RunStart, ...]
    phases: tuple[PhaseStart, ...] = ()
    rounds: tuple[tuple[RoundRecord, ...], ...] = ()
    end: RunEnd | None = None

    @property
    def start(self) -> RunStart:
        """The settings with which the run began or resumed last."""
        return self.starts[-1]

    @classmethod
    def read(cls, path: str | Path) -> RunFile:
        """Read the file of a run. A line or a round that is being written is left out.

        Raises:
            ClanError: The file is missing or damaged, or no run has begun in it.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ClanError(f"{path} cannot be read: {reason}") from error
        return cls.of(path, text)

    @classmethod
    def of(cls, path: Path, text: str) -> RunFile:
        """Return what a file contains.

        Args:
            path: Path of the file.
            text: Content of the file.
        """
        reader = RunReader(path)
        *lines, _ = text.split("\n")  # the last line is empty, or is being written
        for line in lines:
            reader.add(line)
        if reader.run is None:
            raise ClanError(
                f"{path} has no run that has begun: give the file that Clan(history=...) names"
            )
        return reader.run


class RunReader:
    """Reads the file of a run line by line, and checks that each line fits those before it.

    Attributes:
        path: Path of the file.
        lines: Number of lines so far.
    """

    def __init__(self, path: Path) -> None:
        """Begin before the first line."""
        self.path, self.lines = path, 0
        self._starts: list[RunStart] = []
        self._phases: list[PhaseStart] = []
        self._rounds: list[tuple[RoundRecord, ...]] = []
        self._begun: list[RoundRecord] = []  # of a round of which members are missing
        self._end: RunEnd | None = None

    @property
    def run(self) -> RunFile | None:
        """The run with its complete rounds; None if no run has begun."""
        if not self._starts:
            return None
        return RunFile(
            path=self.path,
            starts=tuple(self._starts),
            phases=tuple(self._phases),
            rounds=tuple(self._rounds),
            end=self._end,
        )

    def add(self, line: str | bytes) -> None:
        """Read the next line.

        Raises:
            ClanError: The line is damaged, or does not fit; the error names file and line.
        """
        self.lines += 1
        try:
            self._add(parsed(line))
        except ClanTuneError as error:
            raise ClanError(f"{self.path}, line {self.lines}: {error}") from error

    def _add(self, entry: RoundRecord | Event) -> None:
        self._end = entry if isinstance(entry, RunEnd) else None
        if isinstance(entry, RunStart):
            self._add_start(entry)
        elif not self._starts:
            raise ClanError(
                "the file of a run begins with its start: give the file that Clan(history=...) "
                "names"
            )
        elif isinstance(entry, RoundRecord):
            self._add_record(entry)
        else:
            require_complete(self._begun)
        if isinstance(entry, PhaseStart):
            self._phases.append(entry)

    def _add_start(self, start: RunStart) -> None:
        require_complete(self._begun)
        if self._starts:
            require_resumed(start, self._starts[-1], self._last)
        self._starts.append(start)

    def _add_record(self, record: RoundRecord) -> None:
        require_fitting(record, self._starts, self._begun, self._last)
        self._begun.append(record)
        if len(self._begun) == self._starts[-1].members:
            self._rounds.append(tuple(self._begun))
            self._begun.clear()

    @property
    def _last(self) -> tuple[RoundRecord, ...]:
        return self._rounds[-1] if self._rounds else ()
