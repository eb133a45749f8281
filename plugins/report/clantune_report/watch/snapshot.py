"""A run at a moment, as the view shows it."""

from __future__ import annotations

import functools

import attrs

from clantune_clan.records import RunFile, RunStart
from clantune_clan.records.schedule import Round
from clantune_report.facts import Facts
from clantune_report.limits import genes_at_limit
from clantune_report.watch.pace import Pace, pace_of
from clantune_report.watch.rows import Row, member_rows, summary_rows


@attrs.frozen
class Snapshot:
    """A run at a moment, with what the view shows of it. Each is computed once.

    Attributes:
        facts: What follows from the records of the run.
        written: When the file was last written, in seconds since 1970.
    """

    facts: Facts
    written: float

    @property
    def run(self) -> RunFile:
        """The content of the file."""
        return self.facts.run

    @property
    def start(self) -> RunStart:
        """The settings with which the run began or resumed last."""
        return self.facts.start

    @functools.cached_property
    def pace(self) -> Pace | None:
        """The pace of the latest rounds; None if no round is over."""
        return pace_of(self.run)

    @property
    def rounds(self) -> tuple[Round, ...]:
        """The rounds to show: those of calibration only if there are no others yet."""
        return self.facts.rounds or self.facts.calibration

    @functools.cached_property
    def fixed_genes(self) -> tuple[str, ...]:
        """The names of the genes that do not mutate, and have one value in all records."""

        def is_fixed(name: str) -> bool:
            values = [record.genes[name] for records in self.rounds for record in records]
            is_constant = all(value == values[0] for value in values)
            return is_constant and not self.start.genes[name].can_mutate

        return tuple(name for name in self.start.genes if is_fixed(name))

    @functools.cached_property
    def genes_at_limit(self) -> tuple[str, ...]:
        """The names of the genes that have evolved to the limit of their range."""
        return tuple(genes_at_limit(self.facts))

    @functools.cached_property
    def member_rows(self) -> list[Row]:
        """The values that matter most, and those of each member."""
        return member_rows(self.rounds, self.facts)

    @functools.cached_property
    def summary_rows(self) -> list[Row]:
        """The values that matter most, and the lowest, median and highest of all members."""
        return summary_rows(self.rounds, self.facts)
