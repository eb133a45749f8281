"""Where members stand, and how their mean moves over rounds, on a noisy bowl."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean

from _members import member, on_a_bowl, place
from _paper import INK, ORANGE, call, dots, legend, panels
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clantune_core import AbstractStrategy, Genome, LogFloatAllele
from clantune_strategies import Average, Everyone, MainEffects, Spread, TwoLevel
from clantune_strategies.recipes import (
    Recipe,
    as_specified,
    esgd,
    factorial,
    fire_pbt,
    gpbt,
    hdet,
    mf_pbt,
    pbt,
)

START = Genome({"gene": LogFloatAllele(0.2, (0.05, 20.0))})


def centre(genomes: Sequence[Genome], gene: str = "") -> float:
    """Return the mean of the members in a gene."""
    return fmean(place(each, gene) for each in genomes)


def over_rounds(axes: Axes, rounds: Sequence[Sequence[Genome]]) -> None:
    """Draw all members of each round, and their mean."""
    at = [(number, place(each)) for number, genomes in enumerate(rounds) for each in genomes]
    dots(axes, at, label="members")
    axes.plot([*map(centre, rounds)], color=ORANGE, linewidth=1.0, label="their mean")
    axes.axhline(0.0, color=INK, linestyle=":", label="the best place")
    axes.set(xlabel="rounds", ylabel="place of a gene", ylim=(-2.2, 1.2))


def in_plane(placing: AbstractStrategy) -> Figure:
    """Draw one round in the plane of two genes, and how the centre moves there."""
    figure, (one, many) = panels(2)
    strategies = [Everyone(), MainEffects(), Average(), placing]
    rounds = on_a_bowl(strategies, member(-1.5, -1.0))
    for axes, seen in ((one, rounds[:1]), (many, rounds)):
        places = [(place(each, "x"), place(each, "y")) for genomes in seen for each in genomes]
        dots(axes, places, label="members")
        means = [(centre(genomes, "x"), centre(genomes, "y")) for genomes in seen]
        axes.plot(*zip(*means, strict=True), "+-", color=ORANGE, linewidth=1.0, label="their mean")
        axes.set(xlabel="one gene", ylabel="another gene")
    one.set_title(f"{call(placing)}: the first round")
    many.set_title(f"{len(rounds)} rounds, best at x")
    many.plot([0.0], [0.0], "x", color=INK)
    one.margins(0.4)
    legend(figure, one)
    return figure


def main_effects() -> Figure:
    """Draw both gates on a bowl with much noise."""
    figure, both = panels(2)
    for axes, effects in zip(both, (MainEffects(), MainEffects(gate="sign")), strict=True):
        strategies = [Everyone(), effects, Average(), TwoLevel()]
        over_rounds(axes, on_a_bowl(strategies, START, noise=0.1))
        axes.set_title(call(effects))
    legend(figure, both[0])
    return figure


def recipe(make: Callable[[], Recipe]) -> Figure:
    """Draw a whole method."""
    figure, (axes,) = panels()
    over_rounds(axes, on_a_bowl(make(), START))
    axes.set_title(f"{make.__name__}(), eight members")
    legend(figure, axes)
    return figure


RECIPES = (as_specified, esgd, factorial, fire_pbt, gpbt, hdet, mf_pbt, pbt)

PICTURES: dict[str, Callable[[], Figure]] = {
    "main-effects": main_effects,
    "spread": partial(in_plane, Spread()),
    "two-level": partial(in_plane, TwoLevel()),
    **{make.__name__.replace("_", "-"): partial(recipe, make) for make in RECIPES},
}
