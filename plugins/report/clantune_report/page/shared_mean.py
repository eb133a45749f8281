"""The family of members that all inherit one mean: who took part in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clantune_clan.records import RoundRecord
from clantune_report.facts import Facts
from clantune_report.page.charts import DARK, Trace, axis, chart, line
from clantune_report.page.text import percent, section
from clantune_report.wording import counted, metric

TITLE = "The family tree"


def shared_mean(facts: Facts) -> str:
    """Return the section of a run whose members share a centre."""
    taken = [
        (facts.rounds[place], member, share)
        for place, records in enumerate(facts.rounds)
        for member, share in records[0].parents
    ]
    left_out = [
        (records, record.member, 0.0)
        for records in facts.rounds
        for record in records
        if record.member not in {member for member, _ in records[0].parents}
    ]
    circle = {"symbol": "circle", "size": 8, "color": DARK}
    cross = {"symbol": "x-thin", "size": 9, "line": {"color": DARK, "width": 2}}
    traces = [_taking_part("in the mean", taken, circle)]
    if left_out:
        traces.append(_taking_part("left out", left_out, cross))
    count = len({(records[0].round, member) for records, member, _ in left_out})
    said = (
        f"Left out {counted(count, 'time')}, because a member had failed or was far behind: these "
        "are the crosses."
        if count
        else "No member was ever left out."
    )
    return section(
        TITLE,
        "In this run there is no tree: after each round all members go on from one common model, "
        "the mean of the weights of all members. A circle is a member that took part in the mean. "
        f"{said}",
        by_round(facts, traces),
    )


def _taking_part(
    name: str, found: Iterable[tuple[Sequence[RoundRecord], int, float]], marker: dict[str, object]
) -> Trace:
    found = [*found]
    return line(
        name,
        [records[0].round for records, _, _ in found],
        [member for _, member, _ in found],
        mode="markers",
        marker=marker,
        hovertext=[
            f"member {member}, round {records[0].round}<br>{metric(records[member].metric)}"
            f"<br>share of the mean: {percent(share)}"
            for records, member, share in found
        ],
        hoverinfo="text",
    )


def by_round(facts: Facts, traces: Sequence[Trace]) -> str:
    """Return the chart of the members, in rows, and the rounds."""
    members = facts.most_members
    y = axis("member", autorange="reversed", tickformat="d")
    if members <= 16:
        y["tickvals"] = [*range(members)]
    x = axis("round", tick0=0, dtick=1 + len(facts.rounds) // 10)
    height = min(900, 150 + 26 * members)
    return chart("family", "members by round", traces, x, y, height)
