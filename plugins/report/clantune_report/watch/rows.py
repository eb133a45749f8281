"""The rows of the table: what each shows of each round."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from clantune_clan import RoundRecord
from clantune_clan.records import RunStart
from clantune_clan.records.centre import centre_of
from clantune_clan.records.schedule import Round, Winner, lineage_of
from clantune_core import ContinuousAllele


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


def member_rows(
    rounds: Sequence[Round], start: RunStart, genes: Sequence[str], winner: Winner | None
) -> list[Row]:
    """Return the main row, if there is one, and a row for each member of the last round."""
    if not rounds:
        return []
    best = _best_of(rounds[-1], start)
    members = [
        Row(
            str(member),
            [_point(records[member]) if member < len(records) else None for records in rounds],
            is_best=member == best,
        )
        for member in range(len(rounds[-1]))
    ]
    return [*_main_row(rounds, start, genes, winner), *members]


def summary_rows(
    rounds: Sequence[Round], start: RunStart, genes: Sequence[str], winner: Winner | None
) -> list[Row]:
    """Return the main row, if there is one, and the lowest, median and highest of all members."""
    if not rounds:
        return []
    measured = [n for n in genes if isinstance(start.genes[n], ContinuousAllele)]
    choices: dict[str, Callable[[list[Any]], Any]] = {
        "lowest": min,
        "median": statistics.median_low,
        "highest": max,
    }
    return [
        *_main_row(rounds, start, genes, winner),
        *(
            Row(label, [_chosen(records, measured, choose) for records in rounds])
            for label, choose in choices.items()
        ),
    ]


def _main_row(
    rounds: Sequence[Round], start: RunStart, genes: Sequence[str], winner: Winner | None
) -> list[Row]:
    """Return the row of what the run will return: its centre, or the lineage of the best member."""
    if rounds[-1][0].calibration or len(rounds[-1]) == 1:
        return []
    if start.inheritance == "mean":
        return [Row("centre", [_centre(records, start, genes) for records in rounds])]
    if winner is None or winner.member is None:
        return []
    lineage = lineage_of(rounds, winner)
    points = [_point(records[m]) for records, m in zip(rounds, lineage, strict=False)]
    return [Row("lineage", [*points, *(None for _ in rounds[len(points) :])])]


def _centre(records: Round, start: RunStart, genes: Sequence[str]) -> Point:
    members = [{name: each.genes[name] for name in genes} for each in records]
    return Point(records[0].centre, centre_of(start.genes, members))


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
