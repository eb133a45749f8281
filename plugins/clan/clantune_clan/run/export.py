"""The schedule that a run found, as JSON that other programs can replay without ClanTune."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clantune_clan.checkpoint.disk import write_atomically
from clantune_clan.run.best import Best
from clantune_clan.run.centre import centre_of
from clantune_clan.run.history import History
from clantune_clan.run.record import RoundRecord
from clantune_clan.run.settings import Settings
from clantune_core import AbstractAllele

FORMAT = 1


def schedule_of(
    history: History, settings: Settings, alleles: Mapping[str, AbstractAllele], best: Best
) -> dict[str, Any]:
    """Return the changes of all gene values by step, and the ramp of the learning rate.

    If members share a centre, the schedule is that of the centre. If not, it is that of the member
    with the best weights, traced back through the members that its weights come from. After its
    best round the values do not change.

    Args:
        history: History of the run.
        settings: Settings of the run.
        alleles: Genes, whose latent lines define the mean of two values.
        best: Best weights of the run.
    """
    rounds = [records for records in history.rounds() if not records[0].calibration]
    values = (
        [centre_of(alleles, [record.genes for record in records]) for records in rounds]
        if settings.recipe.inheritance == "mean"
        else _lineage(rounds, best)
    )
    ramp = settings.ramp
    steps = None if ramp.end is None else ramp.end - ramp.start
    return {
        "clantune": "schedule",
        "version": FORMAT,
        "total_steps": steps,
        "warmup": ramp.warmup / steps if steps else 0.0,
        "cooldown": ramp.cooldown / steps if steps else 0.0,
        "rounds": [
            {"step": records[0].start - ramp.start, "genes": genes}
            for records, genes in zip(rounds, values, strict=True)
        ],
    }


def export_schedule(schedule: Mapping[str, Any], path: str | Path) -> None:
    """Write a schedule. A file that exists is replaced at once, or stays as it is."""
    write_atomically(Path(path), (json.dumps(schedule, indent=1) + "\n").encode())


def _lineage(rounds: Sequence[Sequence[RoundRecord]], best: Best) -> list[Mapping[str, Any]]:
    last = next((i for i, records in enumerate(rounds) if records[0].round == best.round), -1)
    member = best.found_by
    if last < 0 or member is None:
        return [records[0].genes for records in rounds]
    values = [rounds[last][member].genes]
    for before, after in reversed([*itertools.pairwise(rounds[: last + 1])]):
        # If the clan had another number of members before, this is the number that it had there.
        continued = after[member].continues
        member = member if continued is None else continued
        # The record of a round says where the weights of the next round come from.
        parent = before[member].weights_from
        member = member if parent is None else parent
        values.append(before[member].genes)
    return [*values[::-1], *(values[0] for _ in rounds[last + 1 :])]
