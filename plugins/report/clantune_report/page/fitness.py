"""The loss of each member, round by round."""

from __future__ import annotations

import math

from clantune_report.facts import Facts, has_failed
from clantune_report.page.charts import DARK, Trace, axis, chart, line, step_axis
from clantune_report.page.members import points_of_members, said_of_members
from clantune_report.page.scales import logarithmic
from clantune_report.page.schedules import best_mark
from clantune_report.page.text import rounded, section

FAR = 4.0
"""Ratio of the largest to the smallest loss from which the axis is logarithmic."""


def fitness(facts: Facts) -> str:
    """Return the section with its chart."""
    title = f"The {facts.metric} of each member"
    finite = [each.metric for records in facts.rounds for each in records if not has_failed(each)]
    finite += [all_[0].centre for all_ in facts.rounds if all_[0].centre is not None]
    if not finite:
        return section(title, f"No member has a finite {facts.metric} yet.")
    traces = [points_of_members(facts, lambda record: record.metric)]
    traces += [_main(facts), *_failed(facts, max(finite) if facts.start.sign > 0 else min(finite))]
    traces += _best(facts)
    is_far = min(finite) > 0 and max(finite) / min(finite) > FAR
    y = axis(facts.metric, **(logarithmic(finite) if is_far else {}))
    said = f"{facts.metric} of each member over steps"
    return section(
        title,
        _explained(facts),
        chart("fitness", said, traces, step_axis(facts), y, 380),
    )


def _explained(facts: Facts) -> str:
    good = "A lower loss is better" if facts.metric == "loss" else "A higher score is better"
    main = (
        "The thick line is the centre: one model with the mean of all weights, which every member "
        "starts the next round from."
        if facts.is_mean
        else "The thick line follows the member whose weights became the best ones."
    )
    lost = any(map(has_failed, (each for records in facts.rounds for each in records)))
    failed = " A cross is a member that failed in this round." if lost else ""
    return (
        f"At the end of each round every member is judged on the same validation data. {good}. A "
        f"thin grey line is one member.{said_of_members(facts)} {main} The star is the best result "
        f"of the run.{failed}"
    )


def _main(facts: Facts) -> Trace:
    if facts.is_mean:
        rounds = [records for records in facts.rounds if records[0].centre is not None]
        y = [rounded(records[0].centre) for records in rounds]
        name = "centre"
    else:
        pairs = [*zip(facts.rounds, facts.lineage, strict=False)]
        rounds = [records for records, _ in pairs]
        y = [rounded(records[member].metric) for records, member in pairs]
        name = "way to the best weights"
    x = [facts.ends(records) for records in rounds]
    look = {"line": {"color": DARK, "width": 3}, "marker": {"symbol": "circle", "size": 6}}
    return line(name, x, y, mode="lines+markers", **look)


def _failed(facts: Facts, worst: float) -> list[Trace]:
    """Return a cross at the worst metric for each member that failed."""
    lost = [(all_, each) for all_ in facts.rounds for each in all_ if has_failed(each)]
    if not lost:
        return []
    return [
        line(
            "failed",
            [facts.ends(records) for records, _ in lost],
            [rounded(worst)] * len(lost),
            mode="markers",
            marker={"symbol": "x-thin", "size": 9, "line": {"color": DARK, "width": 2}},
            hovertext=[f"member {each.member} failed" for _, each in lost],
            hoverinfo="text",
        )
    ]


def _best(facts: Facts) -> list[Trace]:
    winner = facts.winner
    if winner is None or not math.isfinite(winner.metric):
        return []
    return [best_mark([facts.ends(facts.rounds[winner.place])], [rounded(winner.metric)])]
