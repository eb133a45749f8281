"""How long the rounds of a run take."""

from __future__ import annotations

import math
import statistics

import attrs

from clantune_clan.records import RoundRecord, RunFile
from clantune_clan.records.parts import EVALUATION, FITNESS, PHASES, TURNOVER

LATEST = 5
"""Number of rounds that decide the pace: the latest ones."""


@attrs.frozen(kw_only=True)
class Pace:
    """Medians of the latest rounds.

    Attributes:
        training: Seconds of a step.
        whole: Seconds of a step with its share of evaluation, turnover, and the time between
            two rounds.
    """

    training: float
    whole: float


def pace_of(run: RunFile) -> Pace | None:
    """Return the pace of a run; None if no round is over, or the clock has not moved."""
    latest = [records[0] for records in run.rounds[-LATEST:]]
    if not latest:
        return None
    training = statistics.median(_training(each) / each.steps for each in latest)
    whole = statistics.median(
        max(_parts(each), _between(run, each)) / each.steps for each in latest
    )
    return Pace(training=training, whole=whole) if training > 0.0 else None


def _training(record: RoundRecord) -> float:
    return math.fsum(record.seconds.get(part, 0.0) for part in PHASES.values())


def _parts(record: RoundRecord) -> float:
    others = (record.seconds.get(part, 0.0) for part in (EVALUATION, FITNESS, TURNOVER))
    return _training(record) + math.fsum(others)


def _between(run: RunFile, record: RoundRecord) -> float:
    """Return the seconds from a round's first phase to the next one's; 0 if it was interrupted."""
    end = record.start + record.steps
    began = {phase.step: phase.time for phase in run.phases}
    was_interrupted = any(record.start < start.step <= end for start in run.starts)
    if was_interrupted or record.start not in began or end not in began:
        return 0.0
    return began[end] - began[record.start]
