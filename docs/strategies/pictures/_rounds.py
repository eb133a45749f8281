"""The positions of members, and of their mean, over rounds on a bowl with noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean

from _members import latent, member, on_a_bowl
from _plots import call, dots
from _style import INK, ORANGE, legend, panels
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clantune_core import AbstractStrategy, Genome, LogFloatAllele
from clantune_strategies import Average, Everyone, MainEffects, Spread, TwoLevel
from clantune_strategies.recipes import (
    Recipe,
    as_specified,
    cautious,
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
    """Return the mean position of the members in a gene."""
    return fmean(latent(each, gene) for each in genomes)


def over_rounds(axes: Axes, rounds: Sequence[Sequence[Genome]]) -> None:
    """Draw the members of each round and their mean."""
    points = [(number, latent(each)) for number, genomes in enumerate(rounds) for each in genomes]
    dots(axes, points, label="members")
    axes.plot([*map(centre, rounds)], color=ORANGE, linewidth=1.0, label="their mean")
    axes.axhline(0.0, color=INK, linestyle=":", label="optimum")
    axes.set(xlabel="rounds", ylabel="gene (latent)", ylim=(-2.2, 1.2))


def in_plane(placing: AbstractStrategy) -> Figure:
    """Draw the first round in the plane of two genes, and the path of the centre."""
    figure, (one, many) = panels(2)
    strategies = [Everyone(), MainEffects(), Average(), placing]
    rounds = on_a_bowl(strategies, member(-1.5, -1.0))
    for axes, shown in ((one, rounds[:1]), (many, rounds)):
        points = [(latent(each, "x"), latent(each, "y")) for genomes in shown for each in genomes]
        dots(axes, points, label="members")
        means = [(centre(genomes, "x"), centre(genomes, "y")) for genomes in shown]
        axes.plot(*zip(*means, strict=True), "+-", color=ORANGE, linewidth=1.0, label="their mean")
        axes.set(xlabel="one gene", ylabel="another gene")
    one.set_title(f"{call(placing)}: the first round")
    many.set_title(f"{len(rounds)} rounds, optimum at x")
    many.plot([0.0], [0.0], "x", color=INK)
    one.margins(0.4)
    legend(figure, one)
    return figure


def main_effects() -> Figure:
    """Draw both gates on a bowl with strong noise."""
    figure, both = panels(2)
    for axes, effects in zip(both, (MainEffects(), MainEffects(gate="sign")), strict=True):
        strategies = [Everyone(), effects, Average(), TwoLevel()]
        over_rounds(axes, on_a_bowl(strategies, START, noise=0.1))
        axes.set_title(call(effects))
    legend(figure, both[0])
    return figure


def recipe(make: Callable[[], Recipe]) -> Figure:
    """Draw a recipe."""
    figure, (axes,) = panels()
    over_rounds(axes, on_a_bowl(make(), START))
    axes.set_title(f"{make.__name__}(), eight members")
    legend(figure, axes)
    return figure


RECIPES = (as_specified, cautious, esgd, factorial, fire_pbt, gpbt, hdet, mf_pbt, pbt)

PICTURES: dict[str, Callable[[], Figure]] = {
    "main-effects": main_effects,
    "spread": partial(in_plane, Spread()),
    "two-level": partial(in_plane, TwoLevel()),
    **{make.__name__.replace("_", "-"): partial(recipe, make) for make in RECIPES},
}
