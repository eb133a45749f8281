"""What follows from the records of a run: what the page and the view have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import attrs

from clantune_clan.records import RoundRecord, RunFile, RunStart
from clantune_clan.records.schedule import Round, Winner, lineage_of, values_of, winner_of
from clantune_report.wording import metric_name


@attrs.frozen
class Facts:
    """A run, with what follows from its records. Each is computed once.

    Attributes:
        run: Content of the file of the run.
    """

    run: RunFile

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        """The complete rounds, without those of calibration."""
        return tuple(records for records in self.run.rounds if not records[0].calibration)

    @cached_property
    def calibration(self) -> tuple[Round, ...]:
        """The complete rounds of calibration."""
        return tuple(records for records in self.run.rounds if records[0].calibration)

    @cached_property
    def winner(self) -> Winner | None:
        """The weights with the best metric; None if there are none yet."""
        return winner_of(self.rounds, self.start)

    @cached_property
    def lineage(self) -> Sequence[int]:
        """The member that the winner's weights come from, in each round up to its own.

        It is empty if they are those of the clan's centre.
        """
        if self.winner is None or self.winner.member is None:
            return ()
        return lineage_of(self.rounds, self.winner)

    @cached_property
    def values(self) -> Sequence[Mapping[str, Any]]:
        """The values of the genes in the schedule, for each round."""
        return values_of(self.rounds, self.start)

    @property
    def start(self) -> RunStart:
        """The settings with which the run began or resumed last."""
        return self.run.start

    @property
    def is_mean(self) -> bool:
        """Whether members inherit the mean of all weights, so that they share a centre."""
        return self.start.inheritance == "mean"

    @property
    def metric(self) -> str:
        """What the metric is called: a low loss is good, or a high score."""
        return metric_name(self.start)

    @property
    def steps(self) -> int:
        """Steps of the complete rounds."""
        return self.ends(self.rounds[-1]) if self.rounds else 0

    @property
    def total_steps(self) -> int | None:
        """Steps of the run without those of calibration; None if its length is unknown."""
        total = self.start.total_steps
        return None if total is None else total - self.start.ramp.start

    @property
    def most_members(self) -> int:
        """Number of members in the largest round."""
        return max(map(len, self.rounds), default=self.start.members)

    def begins(self, records: Round) -> int:
        """Return the steps before a round, without those of calibration."""
        return records[0].start - self.start.ramp.start

    def ends(self, records: Round) -> int:
        """Return the steps at the end of a round, without those of calibration."""
        return self.begins(records) + records[0].steps


def has_failed(record: RoundRecord) -> bool:
    """Return whether the metric of a member was not a finite number."""
    return not math.isfinite(record.metric)
