"""How often each of eight members becomes a parent, of its own offspring and of others'."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import Random

from _members import breed, clan, member
from _plots import call
from _style import BLUE, INK, ORANGE, legend, panels
from matplotlib.figure import Figure

from clantune_core import AbstractStrategy, Evolution, Genome, Population
from clantune_strategies import (
    Boltzmann,
    Everyone,
    FitnessSharing,
    Frequencies,
    ImprovementRate,
    KeepBest,
    LocalOnly,
    MateChoice,
    Pairs,
    Proportional,
    Rank,
    Significant,
    Smoothed,
    ThriveSurviveDie,
    TopN,
    Tournament,
    Truncation,
)

FITNESSES = (0.50, 0.52, 0.55, 0.60, 0.66, 0.74, 0.84, 1.20)
"""Fitnesses of the members, from the best to the worst, which is far worse than the others."""

SIZE = len(FITNESSES)
ALIKE = (0.0, 0.02, 0.04, 0.06, 1.0, 2.0, 3.0, 4.0)
"""Positions of members in a gene; the best four are a crowd."""

Shares = tuple[list[float], list[float]]
"""For each parent, its share in its own offspring and in the offspring of others."""


def parents(
    strategy: AbstractStrategy,
    population: Population,
    offspring_of: Sequence[int],
    generations: Iterable[int],
) -> Shares:
    """Return the share of each member as a parent, over many generations."""
    evolution, numbers = Evolution([strategy]), [*generations]
    own, others = [0.0] * SIZE, [0.0] * SIZE
    for generation in numbers:
        for me in offspring_of:
            ancestry = evolution.select(
                population[me],
                population,
                Random(f"{me}/{generation}"),
                shared_rng=Random(f"{generation}"),
                generation=generation,
            )
            for rank, share in ancestry.contributors:
                (own if rank == me else others)[rank] += share / len(numbers) / len(offspring_of)
    return own, others


def with_past(
    strategy: Callable[[AbstractStrategy], AbstractStrategy], past: Sequence[Sequence[float]]
) -> list[Genome]:
    """Return members with a history of fitnesses, in which every member kept itself."""
    staying = Evolution([strategy(KeepBest(Rank(), number=SIZE))])
    members = [member(float(rank)) for rank in range(SIZE)]
    for generation, fitnesses in enumerate(past):
        members = breed(staying, clan(members, fitnesses), generation)
    return members


def draw(
    strategy: AbstractStrategy,
    genomes: Iterable[Genome] = (),
    *,
    offspring_of: Sequence[int] = range(SIZE),
    generations: Iterable[int] = range(300),
    xlabel: str = "position by fitness (1 = best)",
) -> Figure:
    """Draw how often each member becomes a parent; for a wrapper also without it."""
    population = clan(genomes or [member(float(x)) for x in range(SIZE)], FITNESSES)
    figure, (axes,) = panels()
    own, others = parents(strategy, population, offspring_of, generations)
    positions = [*range(1, SIZE + 1)]
    axes.bar(positions, own, 0.7, color=BLUE, alpha=0.35, label="parent of its own offspring")
    axes.bar(
        positions, others, 0.7, own, color=BLUE, alpha=0.9, label="parent of others' offspring"
    )
    inside = getattr(strategy, "strategy", None)
    if inside is not None:
        alone = parents(inside, population, offspring_of, generations)
        edges = [position - 0.5 for position in (*positions, SIZE + 1)]
        axes.stairs([*map(sum, zip(*alone, strict=True))], edges, color=ORANGE, label=call(inside))
    axes.axhline(1.0 / SIZE, color=INK, linestyle=":", linewidth=0.8, label="equal shares")
    axes.set_title(call(strategy))
    axes.set_xlabel(xlabel)
    axes.set_ylabel("share as parent")
    axes.set_xticks(positions)
    axes.locator_params(axis="y", nbins=5)
    legend(figure, axes)
    return figure


LATE = [
    [0.1 * (rounds + 1) * (rank - 3) + FITNESSES[rank] for rank in range(SIZE)]
    for rounds in (2, 1, 0)
]
UNLUCKY = [[0.9, *FITNESSES[1:]]] * 3

PICTURES: dict[str, Callable[[], Figure]] = {
    "boltzmann": partial(draw, Boltzmann(0.1)),
    "everyone": partial(draw, Everyone()),
    "fitness-sharing": lambda: draw(
        FitnessSharing(Rank(pressure=2.0), radius=0.5),
        map(member, ALIKE),
        xlabel="position by fitness; 1 to 4 are a crowd",
    ),
    "frequencies": partial(
        draw,
        Frequencies(Truncation()),
        generations=range(50),
        xlabel="position by fitness; 50 rounds; sub-populations 1 and 5, 2 and 6, ...",
    ),
    "improvement-rate": lambda: draw(
        ImprovementRate(Rank(pressure=2.0)),
        with_past(ImprovementRate, LATE),
        xlabel="position by fitness; the worst members have improved fastest",
    ),
    "keep-best": partial(draw, KeepBest(Tournament(), number=2)),
    "local-only": partial(
        draw, LocalOnly(Tournament()), offspring_of=[4], xlabel="rank; offspring of rank 5"
    ),
    "mate-choice": lambda: draw(
        MateChoice(Rank()),
        map(member, ALIKE),
        xlabel="position by fitness; 1 to 4 are a crowd",
    ),
    "pairs": partial(draw, Pairs()),
    "proportional": partial(draw, Proportional()),
    "rank": partial(draw, Rank()),
    "significant": partial(draw, Significant(Tournament(), noise=0.05)),
    "smoothed": lambda: draw(
        Smoothed(Rank(pressure=2.0)),
        with_past(Smoothed, UNLUCKY),
        xlabel="position by fitness; the first was bad in the three rounds before",
    ),
    "thrive-survive-die": partial(draw, ThriveSurviveDie()),
    "top-n": partial(draw, TopN(3, Tournament())),
    "tournament": partial(draw, Tournament()),
    "truncation": partial(draw, Truncation()),
}
