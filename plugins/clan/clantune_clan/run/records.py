"""The record of one member in one round, as the history has it."""

from __future__ import annotations

from typing import Any

from clantune_clan.member.individual import Individual
from clantune_clan.run.turnover import Outcome
from clantune_core import Genome


def record_of(
    member: Individual,
    genome: Genome,
    *,
    number: int,
    place: int,
    outcome: Outcome | None,
    seconds: float,
) -> dict[str, Any]:
    """Return what is worth keeping of a member's round, as plain data.

    Args:
        member: Who has had the round.
        genome: Its genome, with its fitness.
        number: Of the round, from 0.
        place: Of the member in the clan.
        outcome: What came of the turnover; None after a round of calibration.
        seconds: How long its evaluation took.
    """
    report = None if outcome is None else outcome.report
    ancestry = None if outcome is None else outcome.ancestries[place]
    return {
        "round": number,
        "start": member.first_step,
        "steps": member.steps_done - member.first_step,
        "member": place,
        "calibration": outcome is None,
        "genome": str(genome.uuid),
        "genes": genome.as_hyperparameters(),
        "fitness": _plain(genome.fitness),
        "centre": None if outcome is None else outcome.centre,
        "parents": [] if ancestry is None else [[*parent] for parent in ancestry.contributors],
        "body": None if outcome is None or outcome.bodies is None else outcome.bodies[place],
        "seconds": {
            "fitness": seconds,
            **({} if outcome is None else outcome.seconds),
            **({} if report is None else report.seconds),
        },
        "bytes": 0 if report is None else report.bytes_moved,
        # What did not hold would have been an error.
        "checks": {
            "expressed": "as set",
            "plan": "the same on all ranks",
            # None after a calibration, and for a member that neither gave nor received.
            "inherited": None if report is None else report.checksum,
        },
    }


def _plain(fitness: float | None) -> float | str | None:
    """Return a fitness as every JSON reader takes it."""
    return str(fitness) if fitness == float("inf") else fitness
