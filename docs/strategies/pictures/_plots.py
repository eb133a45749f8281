"""What the pictures of strategies have in common: titles, distributions, points in a plane."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import nan

import attrs
from _style import BLUE, INK
from matplotlib.axes import Axes

from clantune_core import AbstractStrategy

FEW = 12
"""Up to so many distinct points are drawn as discs whose area shows how often they occur."""

Points = Sequence[tuple[float, float]]
"""Points in the plane of two genes."""


def call(strategy: AbstractStrategy) -> str:
    """Return the call that creates a strategy, without default arguments."""
    kind, arguments = type(strategy), []
    assert attrs.has(kind)
    for field in attrs.fields(kind):
        value = getattr(strategy, field.name)
        if not field.init or value == field.default:
            continue
        written = call(value) if isinstance(value, AbstractStrategy) else repr(value)
        is_first = field.default is attrs.NOTHING and not field.kw_only
        arguments.append(written if is_first else f"{field.name}={written}")
    return f"{kind.__name__}({', '.join(arguments)})"


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
    """Draw the share of draws in each bin; draws outside the span are left out."""
    low, high = span
    width = (high - low) / bins
    counts = Counter(int((draw - low) / width) for draw in draws if low <= draw < high)
    axes.stairs(
        [counts[index] / len(draws) for index in range(bins)],
        [low + index * width for index in range(bins + 1)],
        color=colour,
        label=label or None,
        fill=filled,
        alpha=0.8 if filled else 1.0,
    )
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def choices(axes: Axes, names: Sequence[str], before: str, after: Sequence[str]) -> None:
    """Draw the share of draws of each choice of a discrete kind."""
    counts = Counter(after)
    shares = [counts[name] / len(after) for name in names]
    axes.bar(names, [float(name == before) for name in names], 0.8, color=INK, alpha=0.25)
    axes.bar(names, shares, 0.5, color=BLUE, alpha=0.8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def dots(
    axes: Axes, points: Points, colour: str = BLUE, label: str = "", *, size: float = 1.5
) -> None:
    """Draw points in a plane; few distinct ones as discs whose area shows their frequency."""
    counts = Counter((round(x, 3), round(y, 3)) for x, y in points)
    if len(counts) <= FEW:
        across, up = zip(*counts, strict=True)
        areas = [400.0 * count / len(points) for count in counts.values()]
        axes.scatter(across, up, areas, color=colour, linewidths=0, alpha=0.8)
    else:  # one path of lines of length 0: one mark per point makes the file four times as large
        across, up = zip(*(p for point in counts for p in (point, point, (nan, nan))), strict=True)
        axes.plot(across, up, color=colour, linewidth=size, solid_capstyle="round", alpha=0.8)
    if label:
        axes.plot([], [], "o", color=colour, markersize=3.0, label=label)
