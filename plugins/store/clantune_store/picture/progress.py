"""The best value over runs, and over time."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from clantune_store.extras import extra
from clantune_store.picture.facts import Facts
from clantune_store.picture.standings import Point
from clantune_store.picture.style import SERIES, Series, axis, chart, thinned
from clantune_store.picture.text import in_chart, value_text
from clantune_store.printable import counted, in_html


def progress(facts: Facts) -> str:
    """Return the section with both charts."""
    parts = ["<h2>The best value</h2>"]
    shown = facts.datasets[: len(SERIES)]
    hidden = facts.datasets[len(SERIES) :]
    best = "lowest" if facts.lowest else "highest"
    parts.append(
        f"<p>A line is the {best} value so far, and a symbol is a run"
        f"{', one line for each data set' if len(shown) > 1 else ''}.</p>"
    )
    if hidden:
        parts.append(
            f"<p>Drawn are the {len(shown)} data sets with the most runs, and not: "
            f"{', '.join(map(_name, hidden))}.</p>"
        )
    parts.append(_over_runs(facts, shown))
    parts.append(_over_time(facts, shown))
    return "\n".join(parts)


def _over_runs(facts: Facts, shown: Sequence[str]) -> str:
    title = "<h3>Over runs</h3>"
    if len(facts.points) < 2:
        return f"{title}<p>There is one run with a value; a chart needs two.</p>"
    places = {
        point.run: place
        for name in shown
        for place, point in enumerate((each for each in facts.points if each.dataset == name), 1)
    }
    traces = _traces(facts, shown, lambda point: places[point.run])
    x = axis("runs of a data set that ended well")
    return title + chart("over-runs", traces, x, _y(facts))


def _over_time(facts: Facts, shown: Sequence[str]) -> str:
    title = "<h3>Over time</h3>"
    timed = [point for point in facts.points if point.stopped is not None]
    if len({point.stopped for point in timed}) < 2:
        known = counted(len(timed), "run")
        return f"{title}<p>A chart needs runs that ended at two moments; there: {known}.</p>"
    traces = _traces(facts, shown, _moment)
    x = axis("end of the run, local time") | {"type": "date"}
    return title + chart("over-time", traces, x, _y(facts))


def _traces(facts: Facts, shown: Sequence[str], place: Callable[[Point], Any]) -> list[Any]:
    found = []
    for name, series in zip(shown, SERIES, strict=False):
        own = [each for each in facts.points if each.dataset == name and place(each) is not None]
        found += _of_dataset(facts, name, own, series, place)
    return found


def _of_dataset(
    facts: Facts, name: str, points: Sequence[Point], series: Series, place: Callable[[Point], Any]
) -> list[Any]:
    """Return a line that only has steps where the best value changes, and the runs."""
    graph_objects = extra("plotly.graph_objects", "report")
    better = min if facts.lowest else max
    best = [*itertools.accumulate((point.value for point in points), better)]
    steps = [
        at for at in range(len(points)) if at in (0, len(points) - 1) or best[at] != best[at - 1]
    ]
    drawn = thinned(points)
    return [
        graph_objects.Scatter(
            x=[place(points[at]) for at in steps],
            y=[best[at] for at in steps],
            name=in_chart(name or "no data set"),
            legendgroup=series.symbol,
            mode="lines+markers",
            marker={
                "symbol": series.symbol,
                "color": series.colour,
                "size": [8 if points[at].value == best[at] else 0 for at in steps],
            },
            line={"shape": "hv", "color": series.colour, "dash": series.dash, "width": 2},
            hoverinfo="skip",
            showlegend=True,
        ),
        graph_objects.Scatter(
            x=[place(point) for point in drawn],
            y=[point.value for point in drawn],
            legendgroup=series.symbol,
            mode="markers",
            marker={"symbol": series.symbol, "color": series.colour, "size": 5, "opacity": 0.55},
            hovertext=[hover(point) for point in drawn],
            hoverinfo="text",
            showlegend=False,
        ),
    ]


def hover(point: Point) -> str:
    """Return what a chart says about a run."""
    data = f" on {in_chart(point.dataset)}" if point.dataset else ""
    return f"{value_text(point.value)}<br>run {point.run}, group {point.group}{data}"


def _moment(point: Point) -> str | None:
    if point.stopped is None:
        return None
    return datetime.datetime.fromtimestamp(point.stopped).isoformat(sep=" ")


def _y(facts: Facts) -> dict[str, Any]:
    return axis(in_chart(facts.metric), [point.value for point in facts.points])


def _name(dataset: str) -> str:
    return in_html(dataset or "no data set")
