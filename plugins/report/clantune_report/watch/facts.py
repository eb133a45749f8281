"""What the file of a run says, apart from the time that passes."""

from __future__ import annotations

import functools

import attrs

from clantune_clan.records import RunFile
from clantune_clan.records.schedule import Round, Winner, winner_of
from clantune_report.watch.pace import Pace, pace_of
from clantune_report.watch.rows import Row, member_rows, summary_rows


@attrs.frozen
class Facts:
    """A run at a moment, with what follows from it. Each is computed once.

    Attributes:
        run: Content of the file.
        written: When the file was last written, in seconds since 1970.
    """

    run: RunFile
    written: float

    @functools.cached_property
    def pace(self) -> Pace | None:
        """The pace of the latest rounds; None if no round is over."""
        return pace_of(self.run)

    @functools.cached_property
    def rounds(self) -> tuple[Round, ...]:
        """The rounds to show: those of calibration only if there are no others yet."""
        return tuple(r for r in self.run.rounds if not r[0].calibration) or self.run.rounds

    @property
    def is_calibrating(self) -> bool:
        """Whether all rounds so far belong to the search for the learning rate."""
        return bool(self.rounds) and self.rounds[-1][0].calibration

    @functools.cached_property
    def winner(self) -> Winner | None:
        """The best weights so far; None if there are none yet."""
        return None if self.is_calibrating else winner_of(self.rounds, self.run.start)

    @functools.cached_property
    def genes(self) -> tuple[str, ...]:
        """The names of the genes that all records have."""
        records = [record for records in self.rounds for record in records]
        return tuple(
            name for name in self.run.start.genes if all(name in each.genes for each in records)
        )

    @functools.cached_property
    def fixed_genes(self) -> tuple[str, ...]:
        """The names of the genes that do not mutate, and have one value in all records."""

        def is_fixed(name: str) -> bool:
            values = [record.genes[name] for records in self.rounds for record in records]
            is_constant = all(value == values[0] for value in values)
            return is_constant and not self.run.start.genes[name].can_mutate

        return tuple(name for name in self.genes if is_fixed(name))

    @functools.cached_property
    def member_rows(self) -> list[Row]:
        """The values that matter most, and those of each member."""
        return member_rows(self.rounds, self.run.start, self.genes, self.winner)

    @functools.cached_property
    def summary_rows(self) -> list[Row]:
        """The values that matter most, and the lowest, median and highest of all members."""
        return summary_rows(self.rounds, self.run.start, self.genes, self.winner)
