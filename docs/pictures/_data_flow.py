"""The flow of data through the steps and the end of a round, for two members."""

from __future__ import annotations

from typing import Literal

from _style import BLUE, INK, ORANGE
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

LANES = (0.0, 2.4)
"""Vertical positions of the two members, from the top."""

MIDDLE = sum(LANES) / 2.0
WIDTH, HEIGHT = 1.9, 0.8
BATCH, MODEL, MEAN, OPTIMIZER, LOSS, SELECTION = 0.0, 2.4, 5.1, 7.8, 10.5, 13.1
"""Horizontal positions of the boxes."""


def draw() -> Figure:
    """Draw boxes for the objects of a member, and arrows for the data between them."""
    figure = Figure(figsize=(6.8, 2.8), layout="constrained")
    axes = figure.add_subplot()
    for member, lane in enumerate(LANES):
        _box(axes, BATCH, lane, f"batch of\nmember {member}")
        _box(axes, MODEL, lane, f"model of\nmember {member}")
        _box(axes, OPTIMIZER, lane, f"optimizer with\ngenes of member {member}")
        _box(axes, LOSS, lane, f"loss of\nmember {member}")
        _arrow(axes, (BATCH, lane), (MODEL, lane))
        _arrow(axes, (MODEL, lane), (MEAN, MIDDLE), "gradient", "left")
        _arrow(axes, (MEAN, MIDDLE), (OPTIMIZER, lane), "mean", "right")
        _arrow(axes, (LOSS, lane), (SELECTION, MIDDLE))
        _update(axes, lane)
    _box(axes, MEAN, MIDDLE, "mean over\nall members", ORANGE)
    _box(axes, SELECTION, MIDDLE, "parents,\nnew genes", ORANGE)
    _heading(axes, BATCH, OPTIMIZER, "every step of the cooperative phase")
    _heading(axes, LOSS, SELECTION, "end of a round")
    _next_round(axes)
    axes.set(xlim=(-1.1, 14.3), ylim=(4.75, -1.9))
    axes.axis("off")
    return figure


def _box(axes: Axes, x: float, y: float, text: str, colour: str = BLUE) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (x - WIDTH / 2.0, y - HEIGHT / 2.0),
            WIDTH,
            HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor="none",
            edgecolor=colour,
            linewidth=1.2 if colour == BLUE else 2.2,
        )
    )
    axes.text(x, y, text, ha="center", va="center", fontsize=5.5)


def _arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    text: str = "",
    side: Literal["left", "right"] = "left",
) -> None:
    """Draw an arrow between two boxes, with a text on the free side of its middle."""
    tail, head = (start[0] + WIDTH / 2.0, start[1]), (end[0] - WIDTH / 2.0, end[1])
    axes.annotate("", xy=head, xytext=tail, arrowprops={"arrowstyle": "->", "color": INK})
    if text:
        is_upper = min(start[1], end[1]) < MIDDLE
        x = (tail[0] + head[0]) / 2.0 + (0.1 if side == "left" else -0.1)
        y = (tail[1] + head[1]) / 2.0
        axes.text(x, y, text, ha=side, va="bottom" if is_upper else "top", fontsize=5.5)


def _update(axes: Axes, lane: float) -> None:
    """Draw the updated weights going back to the model, and on to the evaluation."""
    is_upper = lane < MIDDLE
    outside = -1 if is_upper else 1
    edge = lane + outside * HEIGHT / 2.0
    line = edge + outside * 0.3
    axes.plot([OPTIMIZER, OPTIMIZER, MODEL], [edge, line, line], color=INK, linewidth=1.0)
    _head(axes, (MODEL, line), (MODEL, edge))
    axes.text(
        MEAN,
        line + outside * 0.05,
        "updated weights",
        ha="center",
        va="bottom" if is_upper else "top",
        fontsize=5.5,
    )
    _arrow(axes, (OPTIMIZER, lane), (LOSS, lane))


def _heading(axes: Axes, first: float, last: float, text: str) -> None:
    start, end = first - WIDTH / 2.0, last + WIDTH / 2.0
    axes.plot([start, end], [-1.3, -1.3], color=INK, linewidth=2.5, solid_capstyle="butt")
    axes.text((start + end) / 2.0, -1.4, text, ha="center", va="bottom", fontsize=6.5)


def _next_round(axes: Axes) -> None:
    """Draw the dashed way from the selection back to the members."""
    bottom, line = MIDDLE + HEIGHT / 2.0, 4.1
    across, up = [SELECTION, SELECTION, BATCH + 1.2], [bottom, line, line]
    axes.plot(across, up, color=INK, linestyle="--", linewidth=1.0)
    axes.annotate(
        "",
        xy=(BATCH + 1.0, line),
        xytext=(BATCH + 1.6, line),
        arrowprops={"arrowstyle": "->", "color": INK, "shrinkA": 0, "shrinkB": 0},
    )
    axes.text(
        (MODEL + SELECTION) / 2.0,
        line + 0.08,
        "next round: each member with new genes, and with weights inherited from its parents",
        ha="center",
        va="top",
        fontsize=5.5,
    )


def _head(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "->", "color": INK, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=style)
