"""What the page shows of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from clantune_clan.records import RoundRecord, RunFile, RunStart
from clantune_clan.records.schedule import Round, Winner, lineage_of, values_of, winner_of


@attrs.frozen
class Facts:
    """What the page shows.

    Attributes:
        run: Content of the file of the run.
        rounds: Complete rounds, without those of calibration.
        calibration: Complete rounds of calibration.
        winner: Weights with the best metric; None if there are none yet.
        lineage: Member that the winner's weights come from, in each round up to its own; empty if
            they are those of the clan's centre.
        values: Values of the genes in the schedule, for each round.
    """

    run: RunFile
    rounds: tuple[Round, ...]
    calibration: tuple[Round, ...]
    winner: Winner | None
    lineage: Sequence[int]
    values: Sequence[Mapping[str, Any]]

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
        return "score" if self.start.mode == "max" else "loss"

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


def gather(run: RunFile) -> Facts:
    """Return what the page shows of a run."""
    rounds = tuple(records for records in run.rounds if not records[0].calibration)
    calibration = tuple(records for records in run.rounds if records[0].calibration)
    winner = winner_of(rounds, run.start)
    has_lineage = winner is not None and winner.member is not None
    lineage = lineage_of(rounds, winner) if winner is not None and has_lineage else []
    values = values_of(rounds, run.start) if rounds else []
    return Facts(run, rounds, calibration, winner, lineage, values)


def has_failed(record: RoundRecord) -> bool:
    """Return whether the metric of a member was not a finite number."""
    return not math.isfinite(record.metric)
