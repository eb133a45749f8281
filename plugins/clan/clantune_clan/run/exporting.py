"""The schedule that a run has found, as JSON that anybody can replay without ClanTune."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clantune_clan.run.history import History, Record
from clantune_clan.run.settings import Settings
from clantune_core import AbstractAllele, ContinuousAllele

FORMAT = 1


def schedule_of(
    history: History, settings: Settings, alleles: Mapping[str, AbstractAllele]
) -> dict[str, Any]:
    """Return the schedule: from which step on which values, and the pace of the learning rate.

    Where members share a centre it is the centre's. Otherwise it is that of the last best member,
    followed back through those it descends from.

    Args:
        history: Of the run, read to its end.
        settings: Of the run.
        alleles: The genes, whose latent lines say what lies between two values.
    """
    rounds = [records for records in history.rounds() if not records[0]["calibration"]]
    values = (
        [_centre(records, alleles) for records in rounds]
        if settings.inheritance == "average"
        else _lineage(rounds)
    )
    pace = settings.pace
    return {
        "clantune": "schedule",
        "version": FORMAT,
        "total_steps": pace.total_steps,
        "warmup": pace.warmup if pace.total_steps else 0.0,
        "cooldown": pace.cooldown if pace.total_steps else 0.0,
        "rounds": [
            {"step": records[0]["start"] - pace.begin, "genes": genes}
            for records, genes in zip(rounds, values, strict=True)
        ],
    }


def export_schedule(schedule: Mapping[str, Any], path: str | Path) -> None:
    """Write a schedule."""
    Path(path).write_text(json.dumps(schedule, indent=1) + "\n", encoding="utf-8")


def _centre(records: Sequence[Record], alleles: Mapping[str, AbstractAllele]) -> dict[str, Any]:
    return {
        name: _between(alleles[name], [record["genes"][name] for record in records])
        for name in records[0]["genes"]
    }


def _between(allele: AbstractAllele, values: Sequence[Any]) -> Any:
    if not isinstance(allele, ContinuousAllele):
        return max(values, key=values.count)
    if min(values) == max(values):
        return values[0]
    return allele.from_latent(math.fsum(map(allele.to_latent, values)) / len(values))


def _lineage(rounds: Sequence[Sequence[Record]]) -> list[dict[str, Any]]:
    if not rounds:
        return []
    member = min(rounds[-1], key=lambda record: float(record["fitness"]))["member"]
    values = []
    for records in reversed(rounds):
        values.append(records[member]["genes"])
        # A record tells the parents of what came after it: those of this one are a round before.
        place = len(rounds) - len(values) - 1
        if place >= 0:
            member = max(rounds[place][member]["parents"], key=lambda parent: parent[1])[0]
    return values[::-1]
