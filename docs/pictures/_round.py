"""One round of four members: cooperative phase, competitive phase, turnover."""

from __future__ import annotations

from _style import BLUE, INK, ORANGE
from matplotlib.axes import Axes
from matplotlib.figure import Figure

MEMBERS = 4
COOPERATIVE, COMPETITIVE = range(10), range(10, 14)
LOSSES = (0.41, 0.38, 0.52, 0.40)
PARENTS = (1, 1, 3, 3)
"""For each member, the member that it inherits from."""

END = 14.3
MEASURED, INHERITED, NEXT = 15.4, 19.2, (19.9, 20.9)


def draw() -> Figure:
    """Draw one lane per member; dots are steps, and vertical lines are averaged gradients."""
    figure = Figure(figsize=(6.8, 2.8), layout="constrained")
    axes = figure.add_subplot()
    for member in range(MEMBERS):
        axes.plot([-0.6, END], [member, member], color=INK, linewidth=0.8)
        axes.plot(COOPERATIVE, [member] * len(COOPERATIVE), "o", color=BLUE, markersize=4)
        axes.plot(
            COMPETITIVE,
            [member] * len(COMPETITIVE),
            "s",
            color=ORANGE,
            markersize=4.5,
            fillstyle="none",
        )
        axes.text(MEASURED, member, f"{LOSSES[member]:.2f}", ha="center", va="center", fontsize=8)
        axes.plot(NEXT, [member] * 2, "o-", color=BLUE, linewidth=0.8, markersize=4)
    for step in (*COOPERATIVE, *NEXT):
        axes.plot([step, step], [0, MEMBERS - 1], color=BLUE, linewidth=1.0)
    for child, parent in enumerate(PARENTS):
        _arrow(axes, (MEASURED + 0.8, parent), (INHERITED, child))
    _phase(axes, -0.6, 9.6, "cooperative phase:\naveraged gradients,\ndifferent data")
    _phase(axes, 9.7, END, "competitive phase:\nown gradients,\nsame data")
    _phase(axes, END + 0.1, INHERITED + 0.2, "turnover: compare losses,\ninherit weights")
    _phase(axes, INHERITED + 0.3, 21.4, "next\nround")
    axes.set_yticks(range(MEMBERS), [f"member {member}" for member in range(MEMBERS)])
    axes.set_xticks([])
    axes.set(xlim=(-0.9, 21.6), ylim=(MEMBERS - 0.6, -1.8))
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(left=False)
    return figure


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "->", "color": INK, "linewidth": 1.0, "shrinkA": 2, "shrinkB": 2}
    axes.annotate("", xy=end, xytext=start, arrowprops=style)


def _phase(axes: Axes, start: float, end: float, text: str) -> None:
    axes.plot([start, end], [-0.6, -0.6], color=INK, linewidth=2.5, solid_capstyle="butt")
    axes.text((start + end) / 2, -0.75, text, ha="center", va="bottom", fontsize=6.5)
