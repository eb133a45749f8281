"""What mutations do to a value, which is shown as a dotted line or a wide grey bar."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random

from _members import breed, clan, latent, learning_rate, member
from _plots import call, choices, dots, histogram
from _style import BLUE, INK, ORANGE, legend, panels
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clantune_core import (
    AbstractMutationStrategy,
    BoolAllele,
    Evolution,
    Genome,
    IntAllele,
    LogFloatAllele,
    StringAllele,
    shared_rng,
)
from clantune_strategies import (
    Annealed,
    AtStart,
    Cauchy,
    Choose,
    Coupled,
    Creep,
    DifferentialEvolution,
    Everyone,
    Flip,
    Gaussian,
    KeepBest,
    Lethal,
    Mirrored,
    Momentum,
    Perturb,
    Rank,
    Resample,
    Truncation,
    WhenReplaced,
)

DRAWS = 5_000
LR = learning_rate()
SCHEDULE = Genome(
    {"schedule": StringAllele("linear", ("constant", "cosine", "linear", "step", "root"))}
)
FLAG = Genome({"nesterov": BoolAllele(False)})
COUNT = Genome({"accumulate": IntAllele(8, (1, 16))})
MOVE = "move of ln lr"
Mutation = AbstractMutationStrategy


def mutated(
    strategy: Mutation, genome: Genome, count: int = DRAWS, progress: float | None = None
) -> list[Genome]:
    """Return independent mutations of one genome."""
    evolution = Evolution([strategy])
    return [
        evolution.mutate(genome, Random(seed), shared_rng=shared_rng(1, seed), progress=progress)
        for seed in range(count)
    ]


def moves(strategy: Mutation, progress: float | None = None) -> list[float]:
    """Return the moves of ln lr."""
    return [latent(each) - latent(LR) for each in mutated(strategy, LR, progress=progress)]


def values(strategy: Mutation, genome: Genome) -> list[str]:
    """Return the mutated values of a genome with one gene."""
    return [str(v) for g in mutated(strategy, genome) for v in g.as_hyperparameters().values()]


def compare(
    axes: Axes, width: float, draws_by_label: Mapping[str, Sequence[float]], *, origin: float = 0.0
) -> None:
    """Draw the first distribution filled, and the others as outlines."""
    span, colours = (origin - width, origin + width), (BLUE, ORANGE, INK)
    for (label, draws), colour in zip(draws_by_label.items(), colours, strict=False):
        histogram(axes, draws, span, colour, label, filled=colour == BLUE)
    axes.axvline(origin, color=INK, linestyle=":")
    axes.set_xlabel(MOVE)


# ---- Numbers ----


def one(strategy: Mutation, width: float, other: Mutation) -> Figure:
    """Draw the moves of one mutation, and of another for comparison."""
    figure, (axes,) = panels()
    compare(axes, width, {call(each): moves(each) for each in (strategy, other)})
    legend(figure, axes)
    return figure


def gaussian() -> Figure:
    """Draw the noise, and how an adapted std drifts without selection."""
    figure, (noise, adapted) = panels(2)
    compare(noise, 0.5, {"": moves(Gaussian())})
    noise.set_title(call(Gaussian()))
    strategy = Gaussian(learns=("size",))
    evolution = Evolution([strategy])
    generations = [[evolution.setup(LR)] * DRAWS]
    for age in range(1, 5):
        before = enumerate(generations[-1])
        generations.append([evolution.mutate(g, Random(f"{age}/{i}")) for i, g in before])
    compare(
        adapted,
        3.5,
        {f"generation {age}": [*map(log_of_std, generations[age])] for age in (4, 1)},
        origin=-1.0,
    )
    adapted.set(title=call(strategy), xlabel="log10 of the std, without selection")
    legend(figure, adapted)
    return figure


def log_of_std(genome: Genome) -> float:
    """Return the decimal logarithm of the adapted std."""
    return math.log10(genome.alleles["lr"].metadata["gaussian/size"].value)


def annealed() -> Figure:
    """Draw the moves at three points of a run."""
    figure, (axes,) = panels()
    strategy, times = Annealed(Gaussian()), (0.8, 0.5, 0.0)
    compare(axes, 0.5, {f"progress {time}": moves(strategy, time) for time in times})
    axes.set_title(call(strategy))
    legend(figure, axes)
    return figure


def momentum() -> Figure:
    """Draw the moves of a lineage that moved in the rounds before."""
    rounds, keep_all = 6, KeepBest(Rank(), number=1)
    remember, genome = Evolution([keep_all, Momentum(strength=0.0)]), LR
    for generation in range(rounds):
        allele = genome.alleles["lr"]
        assert isinstance(allele, LogFloatAllele)
        moved = genome.with_alleles({"lr": allele.with_latent(allele.latent + 0.2)})
        (genome,) = breed(remember, clan([moved], [0.0]), generation)
    drawn = {}
    for strategies in ([Momentum(), Gaussian()], [Gaussian()]):
        evolution, parent = Evolution([keep_all, *strategies]), clan([genome], [0.0])
        drawn[", ".join(map(call, strategies))] = [
            latent(breed(evolution, parent, seed)[0]) - latent(genome) for seed in range(DRAWS)
        ]
    figure, (axes,) = panels()
    compare(axes, 0.6, drawn)
    axes.set_title(f"a lineage whose ln lr grew by 0.2 in each of {rounds} rounds")
    legend(figure, axes)
    return figure


def perturb() -> Figure:
    """Draw the moves of a number, and of a choice."""
    figure, (line, discrete) = panels(2)
    compare(line, 0.5, {"": moves(Perturb())})
    line.set_title(call(Perturb()))
    draw_choices(discrete, Perturb(), SCHEDULE)
    return figure


def resample() -> Figure:
    """Draw a number on both scales, and a choice."""
    figure, (line, discrete) = panels(2)
    latent, value = Resample(chance=1.0), Resample(chance=1.0, scale="value")
    compare(line, 5.0, {each.scale: moves(each) for each in (latent, value)})
    line.set_title("domain 1e-05 .. 0.1")
    draw_choices(discrete, latent, SCHEDULE)
    legend(figure, line)
    return figure


# ---- Choices ----


def draw_choices(axes: Axes, strategy: Mutation, genome: Genome) -> None:
    """Draw the distribution of a discrete or integer value."""
    ((gene, allele),) = genome.alleles.items()
    names = [str(each) for each in getattr(allele, "choices", range(4, 13))]
    choices(axes, names, str(allele.value), values(strategy, genome))
    axes.set(title=call(strategy), xlabel=gene)


def discrete(strategy: Mutation, genome: Genome) -> Figure:
    """Draw the distribution of one value."""
    figure, (axes,) = panels()
    draw_choices(axes, strategy, genome)
    return figure


# ---- Several genes or members ----


def coupled() -> Figure:
    """Draw two genes, of which one follows the other."""
    start = LR.add_hyperparameter("batch", IntAllele(256, (16, 2048)))
    follows = Coupled("lr", "batch", at=(1e-3, 256))
    figure, (axes,) = panels()
    for strategies, colour in (([Gaussian(std=0.5)], ORANGE), ([Gaussian(std=0.5), follows], BLUE)):
        evolution = Evolution(strategies)
        after = [evolution.mutate(start, Random(seed)).as_hyperparameters() for seed in range(150)]
        points = [(math.log10(each["lr"]), math.log2(each["batch"])) for each in after]
        dots(axes, points, colour, ", ".join(map(call, strategies)))
    axes.set(xlabel="log10 of lr", ylabel="log2 of batch")
    legend(figure, axes)
    return figure


def differential_evolution() -> Figure:
    """Draw a population that varies along a line, and its offspring."""
    strategy, rng = DifferentialEvolution(), Random(1)
    points = [(x, 0.8 * x + rng.gauss(0.0, 0.15)) for x in (rng.gauss() for _ in range(12))]
    population = clan([member(*each) for each in points], [0.0] * len(points))
    evolution = Evolution([KeepBest(Everyone(), number=len(points)), strategy])
    offspring = [each for seed in range(30) for each in breed(evolution, population, seed)]
    figure, (axes,) = panels()
    dots(axes, [(latent(each, "x"), latent(each, "y")) for each in offspring], label="offspring")
    dots(axes, points, INK, "members", size=4.0)
    axes.set(title=call(strategy), xlabel="one gene", ylabel="another gene")
    legend(figure, axes)
    return figure


def mirrored() -> Figure:
    """Draw the moves of two members, with and without the wrapper."""
    figure, both = panels(2)
    pair = clan([LR, LR], [0.0, 0.0])
    for axes, strategy, colour in zip(
        both, (Gaussian(), Mirrored(Gaussian())), (ORANGE, BLUE), strict=True
    ):
        evolution = Evolution([KeepBest(Rank(), number=2), strategy])
        bred = [breed(evolution, pair, generation) for generation in range(200)]
        dots(axes, [(latent(a) - latent(LR), latent(b) - latent(LR)) for a, b in bred], colour)
        axes.set(title=call(strategy), xlabel=f"member 0: {MOVE}", ylabel="member 1")
        axes.set(xlim=(-0.4, 0.4), ylim=(-0.4, 0.4))
    return figure


def when_replaced() -> Figure:
    """Draw the moves of a member that stays, and of one that copies it."""
    strategy = WhenReplaced(Gaussian())
    evolution = Evolution([Truncation(quantile=0.5), strategy])
    bred = [breed(evolution, clan([LR, LR], [0.0, 1.0]), seed) for seed in range(DRAWS)]
    figure, both = panels(2)
    for axes, rank, title in zip(
        both, (0, 1), ("a member that stayed", "a member that was replaced"), strict=True
    ):
        compare(axes, 0.5, {"": [latent(members[rank]) - latent(LR) for members in bred]})
        axes.set_title(title)
    figure.suptitle(call(strategy), fontsize=8)
    return figure


def at_start() -> Figure:
    """Draw the moves before the first round, and those in a later one."""
    strategy = AtStart(Gaussian())
    later = [
        breed(Evolution([Everyone(), strategy]), clan([LR], [0.0]), seed)[0]
        for seed in range(DRAWS)
    ]
    figure, both = panels(2)
    for axes, title, drawn in zip(
        both,
        ("before the first round", "later"),
        (moves(strategy), [latent(each) - latent(LR) for each in later]),
        strict=True,
    ):
        compare(axes, 0.5, {"": drawn})
        axes.set_title(title)
    figure.suptitle(call(strategy), fontsize=8)
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "annealed": annealed,
    "at-start": at_start,
    "cauchy": partial(one, Cauchy(), 1.0, Gaussian()),
    "choose": partial(discrete, Choose(chance=0.5), SCHEDULE),
    "coupled": coupled,
    "creep": partial(discrete, Creep(step=3), COUNT),
    "differential-evolution": differential_evolution,
    "flip": partial(discrete, Flip(), FLAG),
    "gaussian": gaussian,
    "lethal": partial(
        one,
        Lethal(Gaussian(std=0.5), regions={"lr": (5e-4, 2e-3)}),
        2.0,
        Gaussian(std=0.5),
    ),
    "mirrored": mirrored,
    "momentum": momentum,
    "perturb": perturb,
    "resample": resample,
    "when-replaced": when_replaced,
}
