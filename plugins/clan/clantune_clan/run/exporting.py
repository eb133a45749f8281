"""The schedule that a run has found, as JSON that anybody can replay without ClanTune."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clantune_clan.run.best import Best
from clantune_clan.run.history import History, Record
from clantune_clan.run.settings import Settings
from clantune_core import AbstractAllele, ContinuousAllele

FORMAT = 1


def schedule_of(
    history: History, settings: Settings, alleles: Mapping[str, AbstractAllele], best: Best
) -> dict[str, Any]:
    """Return the schedule: from which step on which values, and the pace of the learning rate.

    Where members share a centre it is the centre's. Otherwise it is that of the member with the
    best weights, followed back through those that its weights come from; what came after stays as
    that member had it.

    Args:
        history: Of the run, read to its end.
        settings: Of the run.
        alleles: The genes, whose latent lines say what lies between two values.
        best: The best weights, if there are any.
    """
    rounds = [records for records in history.rounds() if not records[0]["calibration"]]
    values = (
        [_centre(records, alleles) for records in rounds]
        if settings.inheritance == "mean"
        else _lineage(rounds, best)
    )
    pace = settings.pace
    steps = None if pace.total_steps is None else pace.total_steps - pace.begin
    share = pace.total_steps / steps if pace.total_steps and steps else 0.0
    return {
        "clantune": "schedule",
        "version": FORMAT,
        "total_steps": steps,
        "warmup": pace.warmup * share,
        "cooldown": pace.cooldown * share,
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


def _lineage(rounds: Sequence[Sequence[Record]], best: Best) -> list[dict[str, Any]]:
    last = next((i for i, rs in enumerate(rounds) if rs[0]["round"] == best.round), -1)
    if last < 0 or best.member is None:
        return [records[0]["genes"] for records in rounds]
    member, values = best.member, [rounds[last][best.member]["genes"]]
    for records in reversed(rounds[:last]):
        # A record says whose weights the member of the next round has got.
        member = member if records[member]["body"] is None else records[member]["body"]
        values.append(records[member]["genes"])
    return [*values[::-1], *(values[0] for _ in rounds[last + 1 :])]
