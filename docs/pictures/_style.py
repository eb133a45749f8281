"""Style of all pictures: size, colours that are readable on white and on black, and files."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, BLUE, ORANGE = "#7a7a7a", "#2f7fd6", "#c4651c"
"""Grey shows the state before, blue the result, orange what the result is compared with."""

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


def panels(number: int = 1, width: float = 5.0, height: float = 2.5) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels side by side; its size is in inches of 96 pixels."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, [figure.add_subplot(1, number, index + 1) for index in range(number)]


def legend(figure: Figure, axes: Axes) -> None:
    """Add a legend below the panels."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, handlelength=1.2)


def save(figure: Figure, file: Path) -> None:
    """Write a picture as SVG, with the same bytes on every machine."""
    drawn = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(drawn, format="svg", transparent=True, metadata=nothing)
    # Round to a hundredth of a point, which is invisible: further digits can differ by machine.
    text = re.sub(r"<[^>]*>", _rounded, drawn.getvalue())
    file.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", "utf-8")


def _rounded(tag: re.Match[str]) -> str:
    return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", tag[0])
