"""What all charts have in common: axes, lines that differ without colours, dark on white."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import plotly.io  # type: ignore[import-untyped]

from clantune_report.facts import Facts
from clantune_report.page.text import in_html

DARK, GREY, GRID = "#1a1a1a", "#8a8a8a", "#dddddd"

CONFIG = {"responsive": True, "displayModeBar": False, "doubleClick": False}
"""No buttons and no zoom: a finger that moves over a chart scrolls the page."""

Trace = dict[str, Any]


@attrs.frozen
class Series:
    """How one of several lines looks: each part alone tells it from the others."""

    colour: str
    symbol: str
    dash: str
    pattern: str


SERIES = (
    Series("#1a1a1a", "circle", "solid", ""),
    Series("#0072b2", "square-open", "dash", "/"),
    Series("#b34700", "diamond", "dot", "."),
    Series("#00664b", "x", "dashdot", "x"),
    Series("#8c3d6e", "triangle-up-open", "longdash", "-"),
    Series("#595959", "cross", "longdashdot", "+"),
)


def axis(title: str, **others: Any) -> dict[str, Any]:
    """Return an axis with a title."""
    made = {"title": {"text": title}, "automargin": True, "gridcolor": GRID, "zeroline": False}
    return {**made, "linecolor": DARK, "ticks": "outside", "showline": True, **others}


def step_axis(facts: Facts, title: str = "step") -> dict[str, Any]:
    """Return the axis of the steps of a run, the same in all charts."""
    return axis(title, range=[-0.02 * facts.steps, 1.03 * facts.steps])


def line(name: str, x: Sequence[Any], y: Sequence[Any], **others: Any) -> Trace:
    """Return a line, or symbols if the mode is `"markers"`."""
    return {"type": "scatter", "name": name, "mode": "lines", "x": x, "y": y, **others}


def chart(
    name: str,
    said: str,
    traces: Sequence[Trace],
    x: Mapping[str, Any],
    y: Mapping[str, Any],
    height: int = 340,
    **layout: Any,
) -> str:
    """Return a chart as HTML, which needs the script of the page.

    Args:
        name: Id of its element.
        said: What it shows, for people who do not see it.
        traces: Traces of plotly.
        x: Axis to the right.
        y: Axis up.
        height: Pixels.
        layout: Other settings of the layout of plotly.
    """
    named = [trace for trace in traces if trace.get("showlegend") is not False]
    base = {
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": DARK},
        "margin": {"l": 8, "r": 8, "t": 12, "b": 8},
        "height": height,
        "dragmode": False,
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": "white", "font": {"color": DARK}},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        "showlegend": len(named) > 1,
        "xaxis": x,
        "yaxis": y,
    }
    body: str = plotly.io.to_html(
        {"data": traces, "layout": {**base, **layout}},
        config=CONFIG,
        include_plotlyjs=False,
        full_html=False,
        default_height=height,
        validate=False,  # slow; the tests validate all charts
        div_id=name,
    )
    return f'<figure class="chart" role="img" aria-label="{in_html(said)}">{body}</figure>'
