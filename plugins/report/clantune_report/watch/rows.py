"""The rows of the table: what each shows of each round."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from clantune_clan.records import RoundRecord, RunStart
from clantune_clan.records.schedule import Round
from clantune_core import ContinuousAllele
from clantune_report.facts import Facts


@attrs.frozen
class Point:
    """What a row shows of a round.

    Attributes:
        metric: Loss or score, which is not finite after a failure; None if there is none.
        genes: Values of the genes, by name.
    """

    metric: float | None
    genes: Mapping[str, Any]


@attrs.frozen
class Row:
    """A row of the table.

    Attributes:
        label: Name of the row.
        points: What the row shows of each round; None for a round of which it shows nothing.
        is_best: Whether it is the member with the best metric in the last round.
    """

    label: str
    points: Sequence[Point | None]
    is_best: bool = False


def member_rows(rounds: Sequence[Round], facts: Facts) -> list[Row]:
    """Return the main row, if there is one, and a row for each member of the last round."""
    if not rounds:
        return []
    best = _best_of(rounds[-1], facts.start)
    members = [
        Row(
            str(member),
            [_point(records[member]) if member < len(records) else None for records in rounds],
            is_best=member == best,
        )
        for member in range(len(rounds[-1]))
    ]
    return [*_main_row(rounds, facts), *members]


def summary_rows(rounds: Sequence[Round], facts: Facts) -> list[Row]:
    """Return the main row, if there is one, and the lowest, median and highest of all members."""
    if not rounds:
        return []
    genes = facts.start.genes.items()
    measured = [name for name, allele in genes if isinstance(allele, ContinuousAllele)]
    choices: dict[str, Callable[[list[Any]], Any]] = {
        "lowest": min,
        "median": statistics.median_low,
        "highest": max,
    }
    return [
        *_main_row(rounds, facts),
        *(
            Row(label, [_chosen(records, measured, choose) for records in rounds])
            for label, choose in choices.items()
        ),
    ]


def _main_row(rounds: Sequence[Round], facts: Facts) -> list[Row]:
    """Return the row of what the run will return: its centre, or the lineage of the best member."""
    if not facts.rounds or len(rounds[-1]) == 1:
        return []
    if facts.is_mean:
        pairs = zip(rounds, facts.values, strict=True)
        return [Row("centre", [Point(records[0].centre, values) for records, values in pairs])]
    if not facts.lineage:
        return []
    points = [_point(records[m]) for records, m in zip(rounds, facts.lineage, strict=False)]
    return [Row("lineage", [*points, *(None for _ in rounds[len(points) :])])]


def _chosen(records: Round, genes: Sequence[str], choose: Callable[[list[Any]], Any]) -> Point:
    metrics = [each.metric for each in records if math.isfinite(each.metric)]
    values = {name: choose([each.genes[name] for each in records]) for name in genes}
    return Point(choose(metrics) if metrics else math.inf, values)


def _point(record: RoundRecord) -> Point:
    return Point(record.metric, record.genes)


def _best_of(records: Round, start: RunStart) -> int | None:
    """Return the member with the best metric, or None if all members failed."""
    finite = [each for each in records if math.isfinite(each.metric)]
    if not finite:
        return None
    return min(finite, key=lambda each: start.sign * each.metric).member
