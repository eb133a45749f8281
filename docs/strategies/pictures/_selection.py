"""How often each of eight members becomes a parent: of its own offspring, and of others'."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import Random

from _members import breed, clan, member
from _paper import BLUE, INK, ORANGE, call, legend, panels
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
"""Of the members, from the best to the worst, who is far off."""

SIZE = len(FITNESSES)
ALIKE = (0.0, 0.02, 0.04, 0.06, 1.0, 2.0, 3.0, 4.0)
"""Places of members of whom the best four are a crowd."""

Shares = tuple[list[float], list[float]]
"""By parent: of its own offspring, and of those of others."""


def parents(
    strategy: AbstractStrategy,
    population: Population,
    offspring_of: Sequence[int],
    generations: Iterable[int],
) -> Shares:
    """Return which share of the offspring each member is a parent of, in many generations."""
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
    """Return members who remember the fitnesses of past rounds, in which everybody stayed."""
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
    xlabel: str = "place by fitness, 1 the best",
) -> Figure:
    """Draw how often each member becomes a parent; of a wrapper also without it."""
    population = clan(genomes or [member(float(x)) for x in range(SIZE)], FITNESSES)
    figure, (axes,) = panels()
    own, others = parents(strategy, population, offspring_of, generations)
    places = [*range(1, SIZE + 1)]
    axes.bar(places, own, 0.7, color=BLUE, alpha=0.35, label="of its own offspring")
    axes.bar(places, others, 0.7, own, color=BLUE, alpha=0.9, label="of offspring of others")
    inside = getattr(strategy, "strategy", None)
    if inside is not None:
        alone = parents(inside, population, offspring_of, generations)
        edges = [place - 0.5 for place in (*places, SIZE + 1)]
        axes.stairs([*map(sum, zip(*alone, strict=True))], edges, color=ORANGE, label=call(inside))
    axes.axhline(1.0 / SIZE, color=INK, linestyle=":", linewidth=0.8, label="chance")
    axes.set_title(call(strategy))
    axes.set_xlabel(xlabel)
    axes.set_ylabel("share as a parent")
    axes.set_xticks(places)
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
        xlabel="place by fitness; 1 to 4 are a crowd, the others apart",
    ),
    "frequencies": partial(
        draw,
        Frequencies(Truncation()),
        generations=range(50),
        xlabel="place by fitness; 50 rounds; sub-populations 1 and 5, 2 and 6, ...",
    ),
    "improvement-rate": lambda: draw(
        ImprovementRate(Rank(pressure=2.0)),
        with_past(ImprovementRate, LATE),
        xlabel="place by fitness; the worse now, the faster it has improved",
    ),
    "keep-best": partial(draw, KeepBest(Tournament(), number=2)),
    "local-only": partial(
        draw, LocalOnly(Tournament()), offspring_of=[4], xlabel="rank; offspring of the fifth"
    ),
    "mate-choice": lambda: draw(
        MateChoice(Rank()),
        map(member, ALIKE),
        xlabel="place by fitness; 1 to 4 are a crowd, the others apart",
    ),
    "pairs": partial(draw, Pairs()),
    "proportional": partial(draw, Proportional()),
    "rank": partial(draw, Rank()),
    "significant": partial(draw, Significant(Tournament(), noise=0.05)),
    "smoothed": lambda: draw(
        Smoothed(Rank(pressure=2.0)),
        with_past(Smoothed, UNLUCKY),
        xlabel="place by fitness; the first did badly in the three rounds before",
    ),
    "thrive-survive-die": partial(draw, ThriveSurviveDie()),
    "top-n": partial(draw, TopN(3, Tournament())),
    "tournament": partial(draw, Tournament()),
    "truncation": partial(draw, Truncation()),
}
