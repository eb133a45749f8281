"""Paper and pencils: one size, a few colours that can be read on white and on black, and panels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from math import nan
from pathlib import Path

import attrs
import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clantune_core import AbstractStrategy

INK, BLUE, ORANGE = "#7a7a7a", "#2f7fd6", "#c4651c"
"""Grey is what was there before, blue what comes of it, orange what it is compared with."""

matplotlib.rcdefaults()
matplotlib.rcParams.update(
    {
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": INK,
        "axes.titlesize": 8,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 7,
        "legend.frameon": False,
        "legend.labelcolor": INK,
        "path.simplify": False,
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "clantune",
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
)

FEW = 12
"""So many places of a plane are drawn as large as they are full."""

Plane = Sequence[tuple[float, float]]
"""Places in two genes."""


def panels(number: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure of 480 x 240 pixels with panels side by side."""
    figure = Figure(figsize=(5.0, 2.5), layout="constrained")
    return figure, [figure.add_subplot(1, number, place + 1) for place in range(number)]


def save(figure: Figure, file: Path) -> None:
    """Write a picture: the same bytes wherever it is drawn."""
    drawn = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(drawn, format="svg", transparent=True, metadata=nothing)
    # A hundredth of a point cannot be seen; further digits may differ between machines.
    text = re.sub(r"<[^>]*>", _rounded, drawn.getvalue())
    file.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", "utf-8")


def _rounded(tag: re.Match[str]) -> str:
    return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", tag[0])


def call(strategy: AbstractStrategy) -> str:
    """Return how a strategy is written, without what is so by default."""
    kind, given = type(strategy), []
    assert attrs.has(kind)
    for field in attrs.fields(kind):
        value = getattr(strategy, field.name)
        if not field.init or value == field.default:
            continue
        written = call(value) if isinstance(value, AbstractStrategy) else repr(value)
        is_first = field.default is attrs.NOTHING and not field.kw_only
        given.append(written if is_first else f"{field.name}={written}")
    return f"{kind.__name__}({', '.join(given)})"


def histogram(
    axes: Axes,
    draws: Sequence[float],
    span: tuple[float, float],
    colour: str = BLUE,
    label: str = "",
    *,
    filled: bool = True,
    bins: int = 60,
) -> None:
    """Draw which share of the draws falls where; those outside of the span are left out."""
    low, high = span
    width = (high - low) / bins
    counts = Counter(int((draw - low) / width) for draw in draws if low <= draw < high)
    axes.stairs(
        [counts[place] / len(draws) for place in range(bins)],
        [low + place * width for place in range(bins + 1)],
        color=colour,
        label=label or None,
        fill=filled,
        alpha=0.8 if filled else 1.0,
    )
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def choices(axes: Axes, names: Sequence[str], before: str, after: Sequence[str]) -> None:
    """Draw which share of the draws each choice of a discrete kind has."""
    counts = Counter(after)
    shares = [counts[name] / len(after) for name in names]
    axes.bar(names, [float(name == before) for name in names], 0.8, color=INK, alpha=0.25)
    axes.bar(names, shares, 0.5, color=BLUE, alpha=0.8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def dots(
    axes: Axes, places: Plane, colour: str = BLUE, label: str = "", *, size: float = 1.5
) -> None:
    """Draw places in a plane; where only a few are taken, the larger the more are there."""
    counts = Counter((round(x, 3), round(y, 3)) for x, y in places)
    if len(counts) <= FEW:
        across, up = zip(*counts, strict=True)
        areas = [400.0 * count / len(places) for count in counts.values()]
        axes.scatter(across, up, areas, color=colour, linewidths=0, alpha=0.8)
    else:  # one path of lines without a length: a mark for each makes a file four times as long
        across, up = zip(*(p for place in counts for p in (place, place, (nan, nan))), strict=True)
        axes.plot(across, up, color=colour, linewidth=size, solid_capstyle="round", alpha=0.8)
    if label:
        axes.plot([], [], "o", color=colour, markersize=3.0, label=label)


def legend(figure: Figure, axes: Axes) -> None:
    """Name what is drawn, below it."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, handlelength=1.2)
