"""The lines of all members in a chart, as one thin trace."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from clantune_clan.records import RoundRecord
from clantune_clan.records.schedule import Round
from clantune_report.facts import Facts
from clantune_report.page.charts import GREY, Trace, line
from clantune_report.page.text import rounded

DRAWN = 24
"""Members that a chart draws; of more, some are drawn whose numbers are evenly spaced."""


def drawn_members(facts: Facts) -> list[int]:
    """Return the numbers of the members that a chart draws."""
    most = facts.most_members
    if most <= DRAWN:
        return [*range(most)]
    return sorted({round(place * (most - 1) / (DRAWN - 1)) for place in range(DRAWN)})


def said_of_members(facts: Facts) -> str:
    """Return what a reader must know about the thin lines, or an empty text."""
    count = len(drawn_members(facts))
    return (
        f" Of {facts.most_members} members, {count} are drawn."
        if facts.most_members > count
        else ""
    )


def steps_of_members(facts: Facts, value: Callable[[RoundRecord], float]) -> Trace:
    """Return values that stay the same during a round, as lines with steps."""
    trace = _Lines()
    for member in drawn_members(facts):
        before = None
        for records in facts.rounds:
            found = _of_member(records, member, value)
            if found is None:  # the clan was smaller before or after a resume
                trace.add(member, facts.begins(records), before)
            trace.add(member, facts.begins(records), found)
            before = found
        trace.add(member, facts.steps, before)
        trace.add(None, None, None)
    return trace.drawn("hv")


def points_of_members(facts: Facts, value: Callable[[RoundRecord], float]) -> Trace:
    """Return values at the end of each round, as lines."""
    trace = _Lines()
    for member in drawn_members(facts):
        for records in facts.rounds:
            trace.add(member, facts.ends(records), _of_member(records, member, value))
        trace.add(None, None, None)
    return trace.drawn("linear")


def _of_member(records: Round, member: int, value: Callable[[RoundRecord], float]) -> float | None:
    return rounded(value(records[member])) if member < len(records) else None


@attrs.define
class _Lines:
    """The points of several lines, which None separates."""

    x: list[int | None] = attrs.field(factory=list)
    y: list[float | None] = attrs.field(factory=list)
    members: list[int | None] = attrs.field(factory=list)

    def add(self, member: int | None, x: int | None, y: float | None) -> None:
        self.x.append(x)
        self.y.append(y)
        self.members.append(member)

    def drawn(self, shape: str) -> Trace:
        return line(
            "each member",
            self.x,
            self.y,
            line={"color": GREY, "width": 1, "shape": shape},
            customdata=self.members,
            hovertemplate="member %{customdata}<br>step %{x}: %{y}<extra></extra>",
        )
