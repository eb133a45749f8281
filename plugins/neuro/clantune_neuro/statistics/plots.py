"""Pictures of a run, as PNG or SVG."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clantune_neuro.extras import extra
from clantune_neuro.run.files import writable
from clantune_neuro.statistics.courses import ENOUGH, Effect, Point
from clantune_neuro.statistics.replayed import Replayed

ENDINGS = (".png", ".svg")
"""The endings of pictures."""


def plot(
    file: str | os.PathLike[str],
    course: Sequence[Point],
    effects: Sequence[Effect],
    replayed: Sequence[Replayed] = (),
    *,
    what: str = "score",
) -> Path:
    """Write a picture of a run, and return its path.

    Args:
        file: A path that ends with `.png` or `.svg`.
        course: The generations of the run.
        effects: The effects of genes.
        replayed: The ancestors of the best member, if they were replayed.
        what: What the run scored: `"score"` or `"improvement"`.

    Raises:
        NeuroError: The ending is another one, the folder does not exist, or matplotlib is not
            installed.
    """
    path = writable(file, ENDINGS)
    figures = extra("matplotlib.figure", package="matplotlib", name="plots")
    rows = 2 if replayed else 1
    figure = figures.Figure(figsize=(12, 4 * rows), layout="constrained")
    panels = figure.subplots(rows, 3 if rows == 1 else 2, squeeze=False).flat
    _scores(next(panels), course, what)
    _sizes(next(panels), course)
    _effects(next(panels), effects)
    if replayed:
        _ancestors(next(panels), replayed)
    figure.savefig(path, dpi=120)
    return path


def _scores(axes: Any, course: Sequence[Point], what: str) -> None:
    numbers = [point.generation for point in course]
    axes.plot(numbers, _floats([point.best for point in course]), color="black", label="best")
    medians = _floats([point.median for point in course])
    axes.plot(numbers, medians, color="0.5", linestyle="--", label="median")
    axes.set(xlabel="generation", ylabel=f"base {what}", title=f"{what.capitalize()}s")
    axes.legend()


def _sizes(axes: Any, course: Sequence[Point]) -> None:
    bred = [point for point in course if point.effective_size is not None]
    numbers = [point.generation for point in bred]
    axes.plot(numbers, _floats([point.effective_size for point in bred]), color="black")
    axes.axhline(ENOUGH, color="0.5", linestyle=":", label=f"{ENOUGH}: fewer drift by chance")
    axes.set(xlabel="generation", ylabel="parents", title="Effective number of parents")
    axes.set_ylim(bottom=0)
    axes.legend()


def _effects(axes: Any, effects: Sequence[Effect]) -> None:
    names = [f"{effect.operator} ({effect.genes:,})" for effect in effects]
    left = [0.0] * len(effects)
    for what, colour, hatch in (
        ("better", "black", ""),
        ("equal", "0.6", ""),
        ("worse", "0.9", ""),
        ("dead", "white", "///"),
    ):
        shares = [getattr(effect, what) for effect in effects]
        axes.barh(names, shares, left=left, color=colour, hatch=hatch, edgecolor="0.3", label=what)
        left = [start + share for start, share in zip(left, shares, strict=True)]
    axes.set(xlim=(0, 1), xlabel="share of new genes", title="Effect of genes on the score")
    axes.invert_yaxis()
    if effects:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=4)


def _ancestors(axes: Any, replayed: Sequence[Replayed]) -> None:
    genes = [each.genes for each in replayed]
    axes.plot(genes, [each.now for each in replayed], color="black", label="task")
    held_out = [each.held_out for each in replayed]
    if any(each is not None for each in held_out):
        axes.plot(genes, _floats(held_out), color="0.5", linestyle="--", label="held out")
    axes.set(xlabel="genes", ylabel="base score", title="Ancestors of the best member, replayed")
    axes.legend()


def _floats(numbers: Sequence[float | None]) -> list[float]:
    """Return numbers for a line that has a gap where one is missing."""
    return [float("nan") if number is None else number for number in numbers]
