"""What all charts have in common: series that differ without colours, axes, dark on white."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from clantune_store.extras import extra

DARK = "#1a1a1a"
GRID = "#d9d9d9"
WIDE = 1000.0
"""Ratio of largest to smallest value from which an axis is logarithmic."""

MOST_POINTS = 1500
"""Points of a series in a chart; of more, every n-th one is drawn."""

CONFIG = {"responsive": True, "displayModeBar": False, "doubleClick": False}
"""No buttons and no zoom: a finger that moves over a chart scrolls the page."""


@attrs.frozen
class Series:
    """How a data set looks: each part alone tells it from the others."""

    colour: str
    symbol: str
    dash: str


SERIES = (
    Series("#1a1a1a", "circle", "solid"),
    Series("#0072b2", "square-open", "dash"),
    Series("#b34700", "diamond", "dot"),
    Series("#00664b", "x", "dashdot"),
    Series("#8c3d6e", "triangle-up-open", "longdash"),
    Series("#595959", "cross", "longdashdot"),
)
"""Data sets beyond these are not drawn."""


def axis(title: str, values: Sequence[float] = ()) -> dict[str, Any]:
    """Return an axis; it is logarithmic if the values are positive and far apart."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    logarithmic = low > 0 and high / low > WIDE
    made = {"title": {"text": title}, "automargin": True, "gridcolor": GRID, "zeroline": False}
    made |= {"linecolor": DARK, "ticks": "outside", "showline": True}
    return made | ({"type": "log"} if logarithmic else {"type": "linear"})


def thinned(points: Sequence[Any], most: int = MOST_POINTS) -> Sequence[Any]:
    """Return points, or every n-th one if there are too many."""
    step = -(-len(points) // most) or 1
    return points[::step]


def chart(
    name: str, traces: Sequence[Any], x: dict[str, Any], y: dict[str, Any], height: int = 340
) -> str:
    """Return a chart as HTML, which needs the script of the page.

    Args:
        name: Id of its element.
        traces: Traces as plotly has them.
        x: Axis to the right.
        y: Axis up.
        height: Pixels.
    """
    figure = extra("plotly.graph_objects", "report").Figure(traces)
    figure.update_layout(
        template="none",
        font={"family": "system-ui, sans-serif", "size": 13, "color": DARK},
        paper_bgcolor="white",
        plot_bgcolor="white",
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        height=height,
        dragmode=False,
        hovermode="closest",
        hoverlabel={"bgcolor": "white", "font": {"color": DARK}},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "font": {"size": 12}},
        showlegend=len([trace for trace in traces if trace.showlegend is not False]) > 1,
        xaxis=x,
        yaxis=y,
    )
    body: str = figure.to_html(
        full_html=False, include_plotlyjs=False, div_id=name, config=CONFIG, default_height=height
    )
    return f'<div class="chart">{body}</div>'
