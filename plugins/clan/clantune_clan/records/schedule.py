"""The schedule that a run found, as JSON that other programs can replay without ClanTune."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from clantune_clan.disk import write_atomically
from clantune_clan.records.centre import centre_of
from clantune_clan.records.events import RunStart
from clantune_clan.records.record import RoundRecord
from clantune_core import AbstractAllele
from clantune_core.contracts import EXPRESSION, Expressed

FORMAT = 1

Round = Sequence[RoundRecord]
"""The records of all members in one round."""


class Winner(NamedTuple):
    """The weights with the best metric.

    Attributes:
        place: Place of their round in the sequence of rounds.
        member: Member that found them; None if they are those of the clan's centre.
        metric: Loss or score.
    """

    place: int
    member: int | None
    metric: float


def winner_of(rounds: Sequence[Round], start: RunStart) -> Winner | None:
    """Return which weights `clan.best()` has after these rounds, or None if it has none yet.

    Args:
        rounds: Rounds without those of calibration.
        start: Settings of the run.
    """
    best: Winner | None = None
    for place, records in enumerate(rounds):
        for member, metric in _candidates(records, start):
            if best is None or start.sign * metric < start.sign * best.metric:
                best = Winner(place, member, metric)
    return best


def lineage_of(rounds: Sequence[Round], winner: Winner) -> list[int]:
    """Return the member that the winner's weights come from, in each round up to its own.

    Args:
        rounds: Rounds without those of calibration.
        winner: Weights of a member.
    """
    if winner.member is None:
        raise ValueError("the weights of the clan's centre come from all members")
    lineage = [member := winner.member]
    for before, after in reversed([*itertools.pairwise(rounds[: winner.place + 1])]):
        # If the clan had another number of members before, this is the number that it had there.
        continued = after[member].continues
        member = member if continued is None else continued
        # The record of a round says where the weights of the next round come from.
        parent = before[member].weights_from
        member = member if parent is None else parent
        lineage.append(member)
    return lineage[::-1]


def schedule_of(rounds: Sequence[Round], start: RunStart) -> dict[str, Any]:
    """Return the changes of all gene values by step, and the ramp of the learning rate.

    If members share a centre, the schedule is that of the centre. If not, it is that of the member
    with the best weights, traced back through the members that its weights come from. After its
    best round the values do not change. A note says what the learning rates lack, if anything.

    Args:
        rounds: Records of the run, round by round.
        start: Settings of the run.
    """
    rounds = [records for records in rounds if not records[0].calibration]
    ramp = start.ramp
    steps = None if ramp.end is None else ramp.end - ramp.start
    return {
        "clantune": "schedule",
        "version": FORMAT,
        "total_steps": steps,
        "warmup": ramp.warmup / steps if steps else 0.0,
        "cooldown": ramp.cooldown / steps if steps else 0.0,
        "note": _note(start),
        "rounds": [
            {"step": records[0].start - ramp.start, "genes": genes}
            for records, genes in zip(rounds, values_of(rounds, start), strict=True)
        ],
    }


def sets_rate(name: str, allele: AbstractAllele) -> bool:
    """Return whether a gene sets a learning rate."""
    if EXPRESSION not in allele.metadata:
        return False
    paths = Expressed.of(name, allele).path
    return any("param_groups/" in path and path.endswith("/lr") for path in paths)


def export_schedule(schedule: Mapping[str, Any], path: str | Path) -> None:
    """Write a schedule. A file that exists is replaced at once, or stays as it is."""
    write_atomically(Path(path), (json.dumps(schedule, indent=1) + "\n").encode())


def values_of(rounds: Sequence[Round], start: RunStart) -> list[Mapping[str, Any]]:
    """Return the values of the genes in each round: the centre's, or those of the winner's lineage.

    Rounds that the clan undid, because it became worse in them and went back to earlier weights,
    have the values of the round that followed, if there is one.

    Args:
        rounds: Rounds without those of calibration.
        start: Settings of the run.
    """
    if start.inheritance == "mean":
        genes = [centre_of(start.genes, [each.genes for each in records]) for records in rounds]
        return _without_undone(rounds, genes)
    winner = winner_of(rounds, start)
    if winner is None or winner.member is None:
        return [records[0].genes for records in rounds]
    lineage = lineage_of(rounds, winner)
    values = [records[m].genes for records, m in zip(rounds, lineage, strict=False)]
    return [*values, *(values[-1] for _ in rounds[len(lineage) :])]


def _note(start: RunStart) -> str | None:
    """Return what the learning rates lack: the file of a run has no factors of schedulers."""
    has_rates = any(sets_rate(name, allele) for name, allele in start.genes.items())
    match start.schedulers if has_rates else ():
        case []:
            return None
        case [name]:
            lacking, them = f"factor of the run's own scheduler, {name}", "it"
        case [*names, last]:
            listed = f"{', '.join(names)} and {last}"
            lacking, them = f"factors of the run's own schedulers, {listed}", "these"
    return f"the learning rates lack the {lacking}: multiply them by {them} in each step"


def _without_undone(
    rounds: Sequence[Round], genes: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    values = [*genes]
    for place in reversed(range(len(rounds) - 1)):
        back = rounds[place][0].went_back_to
        if back is not None:
            kept = sum(records[0].round <= back for records in rounds)
            values[kept : place + 1] = [values[place + 1]] * (place + 1 - kept)
    return values


def _candidates(records: Round, start: RunStart) -> list[tuple[int | None, float]]:
    """Return the weights of a round that may be the best: the centre's, or those of the members."""
    centre = records[0].centre
    if centre is not None:
        return [(None, centre)]
    if start.inheritance == "mean" and len({each.parents for each in records}) == 1:
        return []  # the members share a centre, and its metric is not finite
    return [(each.member, each.metric) for each in records if math.isfinite(each.metric)]
