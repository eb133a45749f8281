"""The section about time: where it went, and what the rounds cost against plain training."""

from __future__ import annotations

from collections.abc import Sequence

from clantune_report.facts import Facts
from clantune_report.page.charts import DARK, GREY, SERIES, Trace, axis, chart, line, step_axis
from clantune_report.page.costs import PARTS, Cost, costs_of
from clantune_report.page.text import percent, rounded, section, table
from clantune_report.wording import duration

TITLE = "Where the time went"

MEANING = {
    "cooperation": "steps in which the members average their gradients",
    "competition": "steps in which the members train apart",
    "validation": "judging the members, and the centre",
    "turnover": "choosing parents, moving weights, making new genes",
    "rest": "saving, writing records, everything else between two rounds",
}


def times(facts: Facts) -> str:
    """Return the section with both charts."""
    costs = costs_of(facts)
    if not any(cost.total for cost in costs):
        return section(TITLE, "The file has no durations of a complete round.")
    bars = [_bar(part, costs, at) for at, part in enumerate(PARTS)]
    parts = [
        "A bar is one round, and its height is how long the round took.",
        chart(
            "time",
            "seconds of each part of each round",
            [bar for bar in bars if any(bar["y"])],
            step_axis(facts),
            axis("seconds"),
            barmode="stack",
            showlegend=True,
        ),
        _table(costs),
        *_against_plain(facts, costs),
    ]
    return section(TITLE, *parts)


def _bar(part: str, costs: Sequence[Cost], at: int) -> Trace:
    series = SERIES[at]
    pattern = {"shape": series.pattern, "fgcolor": series.colour, "bgcolor": "white", "size": 6}
    solid = not series.pattern
    return {
        "type": "bar",
        "name": part,
        "x": [cost.step - cost.steps for cost in costs],
        "width": [0.85 * cost.steps for cost in costs],
        "offset": [0.075 * cost.steps for cost in costs],
        "y": [rounded(cost.seconds[part]) for cost in costs],
        "marker": {
            "color": GREY if solid else series.colour,
            "line": {"color": DARK if solid else series.colour, "width": 1},
            **({} if solid else {"pattern": pattern}),
        },
        "hovertemplate": f"step %{{x}}: %{{y:.3g}} s<extra>{part}</extra>",
    }


def _table(costs: Sequence[Cost]) -> str:
    total = sum(cost.total for cost in costs)
    sums = {part: sum(cost.seconds[part] for cost in costs) for part in PARTS}
    rows = [
        [part, duration(seconds), percent(seconds / total), MEANING[part]]
        for part, seconds in sums.items()
        if seconds
    ]
    rows.append(["together", duration(total), "100 %", ""])
    return table(["part", "time", "share", "what it is"], rows)


def _against_plain(facts: Facts, costs: Sequence[Cost]) -> list[str]:
    known = [cost for cost in costs if cost.ratio is not None]
    plain = sum(cost.plain or 0.0 for cost in known)
    title = "<h3>Against plain data-parallel training</h3>"
    if not plain:
        return [title, "The file does not tell how long a step took."]
    ratio = sum(cost.total for cost in known) / plain
    x = [cost.step for cost in known]
    y = [rounded(cost.ratio) for cost in known]
    look = {"line": {"color": DARK, "width": 2}, "marker": {"symbol": "circle", "size": 6}}
    traces = [
        line("this run", x, y, mode="lines+markers", **look),
        line("plain training", x, [1.0] * len(x), line={"color": DARK, "width": 1, "dash": "dash"}),
    ]
    said = (
        f"The rounds took <strong>{ratio:.2f} times</strong> as long as their steps alone. Each "
        "value in the chart is the time of a round, divided by its number of steps and the "
        "time of a cooperative step (of a competitive one, if the members never cooperate). The "
        "step of a clan may itself take longer than one of plain training, which is not in this "
        "number: in the benchmark of ClanTune on two cores it took 1.00 to 1.31 times as long. "
        "Plain training is assumed not to validate."
    )
    return [
        title,
        said,
        chart(
            "cost",
            "time of each round against plain training",
            traces,
            step_axis(facts, "step at the end of the round"),
            axis("times as long"),
            260,
            showlegend=True,
        ),
    ]
