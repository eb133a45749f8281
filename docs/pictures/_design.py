"""The factorial design: four members measure three genes, and the centre moves."""

from __future__ import annotations

from statistics import fmean

from _style import BLUE, INK, ORANGE
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from clantune_strategies.designs import design

GENES = ("lr", "decay", "beta2")
MEMBERS = 4
CENTRE, EFFECTS = 0.50, (-0.06, 0.01, 0.03)
"""The loss at the centre, and how it changes from the lower to the upper level of each gene."""

PLUS, MINUS = "+", "\N{MINUS SIGN}"

SIGNS = design(MEMBERS, len(GENES), key=0.5)
"""One column of signs for each gene."""


def losses() -> list[float]:
    """Return the loss of each member: the effects of its genes add up."""
    return [
        CENTRE
        + sum(column[member] * effect / 2.0 for column, effect in zip(SIGNS, EFFECTS, strict=True))
        for member in range(MEMBERS)
    ]


def draw() -> Figure:
    """Draw the signs with the losses, and below each gene the means of its two levels."""
    figure = Figure(figsize=(6.8, 2.9), layout="constrained")
    grid = figure.add_gridspec(1, 4, width_ratios=(1.7, 1, 1, 1))
    _table(figure.add_subplot(grid[0]))
    panels = [figure.add_subplot(grid[index + 1]) for index in range(len(GENES))]
    for gene, axes in enumerate(panels):
        _effect(axes, gene)
        axes.sharey(panels[0])
        axes.tick_params(labelleft=gene == 0)
    panels[0].set_ylabel("loss")
    return figure


def _table(axes: Axes) -> None:
    for gene, column in enumerate(SIGNS):
        for member, sign in enumerate(column):
            upper = sign > 0
            axes.add_patch(
                Rectangle(
                    (gene, member),
                    0.9,
                    0.8,
                    facecolor=BLUE if upper else "none",
                    edgecolor=BLUE,
                    linewidth=1.0,
                )
            )
            axes.text(
                gene + 0.45,
                member + 0.4,
                PLUS if upper else MINUS,
                ha="center",
                va="center",
                color="white" if upper else BLUE,
                fontsize=10,
            )
    for member, loss in enumerate(losses()):
        axes.text(
            len(GENES) + 0.5, member + 0.4, f"{loss:.2f}", ha="center", va="center", fontsize=8
        )
    names = [*GENES, "loss"]
    axes.set_xticks([index + 0.45 for index in range(len(names))], names, fontsize=6)
    axes.set_yticks(
        [member + 0.4 for member in range(MEMBERS)], [f"member {m}" for m in range(MEMBERS)]
    )
    axes.set(xlim=(-0.1, len(GENES) + 1), ylim=(MEMBERS, -0.1))
    axes.set_title(f"step up ({PLUS}) or down ({MINUS})")
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _effect(axes: Axes, gene: int) -> None:
    column, outcomes = SIGNS[gene], losses()
    means = {
        level: fmean(loss for loss, sign in zip(outcomes, column, strict=True) if sign == level)
        for level in (-1, 1)
    }
    axes.plot(column, outcomes, "o", color=BLUE, markersize=4)
    axes.plot([-1, 1], [means[-1], means[1]], color=ORANGE, linewidth=1.5)
    for level, mean in means.items():
        axes.plot([level - 0.25, level + 0.25], [mean, mean], color=INK, linewidth=1.0)
    towards = -0.8 if means[1] > means[-1] else 0.8
    axes.annotate(
        "",
        xy=(towards * _size(means[1] - means[-1]), 0.434),
        xytext=(0.0, 0.434),
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.2},
    )
    axes.plot([0.0], [0.434], "|", color=INK, markersize=7)
    axes.set_title(f"{GENES[gene]}: {means[1] - means[-1]:+.2f}".replace("-", MINUS))
    if gene == 0:
        axes.text(0.0, 0.427, "move of the centre", ha="center", va="top", fontsize=5.5)
    axes.set_xticks([-1, 1], [MINUS, PLUS])
    axes.set(xlim=(-1.5, 1.5), ylim=(0.415, 0.56))


def _size(effect: float) -> float:
    return max(0.25, abs(effect) / max(map(abs, EFFECTS)))
