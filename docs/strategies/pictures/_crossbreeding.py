"""The offspring of two parents: on the latent line of one gene, and in the plane of two genes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from _members import clan, latent, member
from _plots import call, dots, histogram
from _style import INK, legend, panels
from matplotlib.figure import Figure

from clantune_core import AbstractStrategy, Evolution
from clantune_strategies import SBX, Average, Blend, Dominant, Learn, PerGene, PerGenome

PARENTS = clan([member(-1.0, -1.0), member(1.0, 1.0)], [0.0, 0.0])


def draw(strategy: AbstractStrategy, shares: tuple[float, float] = (0.3, 0.7)) -> Figure:
    """Draw the offspring of the first member; the two parents contribute the given shares."""
    evolution = Evolution([strategy])
    ancestry = [(p, parent.uuid) for p, parent in zip(shares, PARENTS, strict=True)]
    offspring = [
        evolution.crossbreed(PARENTS[0], PARENTS, Random(seed), ancestry=ancestry)
        for seed in range(4000)
    ]
    figure, (line, plane) = panels(2)
    histogram(line, [latent(each) for each in offspring], (-2.5, 2.5))
    line.set_xlabel("one gene, on the latent line")
    line.vlines([-1.0, 1.0], 0.0, line.get_ylim()[1], INK, "dotted")
    dots(
        plane,
        [(latent(each, "x"), latent(each, "y")) for each in offspring[:300]],
        label="offspring",
    )
    plane.scatter([-1.0, 1.0], [-1.0, 1.0], marker="x", color=INK, s=40.0, label="parents")
    plane.set(xlabel="one gene", ylabel="another gene", xlim=(-2.5, 2.5), ylim=(-2.5, 2.5))
    percent = " and ".join(f"{share:.0%}" for share in shares)
    figure.suptitle(f"{call(strategy)}, parents at -1 and 1 with shares of {percent}", fontsize=8)
    legend(figure, plane)
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "average": partial(draw, Average()),
    "blend": partial(draw, Blend()),
    "dominant": partial(draw, Dominant()),
    "learn": partial(draw, Learn(), (0.0, 1.0)),
    "per-gene": partial(draw, PerGene()),
    "per-genome": partial(draw, PerGenome()),
    "sbx": partial(draw, SBX()),
}
