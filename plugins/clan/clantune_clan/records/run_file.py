"""The file of a run, as another program reads it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path

import attrs

from clantune_clan.errors import ClanError
from clantune_clan.records import events
from clantune_clan.records.events import Event, PhaseStart, RunEnd, RunStart
from clantune_clan.records.record import RoundRecord


def parsed(line: str) -> RoundRecord | Event:
    """Return what a line of the file of a run describes.

    Raises:
        ClanError: The line is damaged, or of another version.
    """
    try:
        data = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ClanError(f"this is not a line of JSON: {error}") from error
    is_event = isinstance(data, dict) and "event" in data
    return events.from_data(data) if is_event else RoundRecord.from_data(data)


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
        """Read the file of a run. A last line that is being written is left out.

        Raises:
            ClanError: The file is missing or damaged, or no run has begun in it.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ClanError(f"{path} cannot be read: {error}") from error
        return cls.of(path, text)

    @classmethod
    def of(cls, path: Path, text: str) -> RunFile:
        """Return what a file contains.

        Args:
            path: Path of the file.
            text: Content of the file.
        """
        lines = text.splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            lines.pop()
        entries = []
        for number, line in enumerate(lines, start=1):
            try:
                entries.append(parsed(line))
            except ClanError as error:
                raise ClanError(f"{path}, line {number}: {error}") from error
        starts = tuple(each for each in entries if isinstance(each, RunStart))
        if not starts:
            raise ClanError(
                f"{path} has no run that has begun: give the file that Clan(history=...) names"
            )
        last = entries[-1]
        return cls(
            path=path,
            starts=starts,
            phases=tuple(each for each in entries if isinstance(each, PhaseStart)),
            rounds=_by_round(each for each in entries if isinstance(each, RoundRecord)),
            end=last if isinstance(last, RunEnd) else None,
        )


def _by_round(records: Iterable[RoundRecord]) -> tuple[tuple[RoundRecord, ...], ...]:
    grouped = itertools.groupby(records, key=lambda record: record.round)
    return tuple(tuple(members) for _, members in grouped)
