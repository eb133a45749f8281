"""What strategies find, on functions of their genes. `--quick` tries fewer seeds and rounds.

Every recipe, on four functions and on the toy of the PBT paper, in clans of 4, 8 and 32; the toy as
it is in the paper, in a clan of 2; the self-adaptive Gaussian beside a textbook evolution strategy;
the default rule on bowls of 1, 3 and 7 genes with noise, beside random mutation and cloning of the
best.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from random import Random

from _clans import Clan, Function, line, moving, noisy, rastrigin, rosenbrock, sphere
from _report import PACKAGES, bar, report, show_progress

from clantune_core import AbstractStrategy, Ancestry, FloatAllele, Genome, LogFloatAllele
from clantune_strategies import (
    Average,
    Dominant,
    Everyone,
    Gaussian,
    PerGenome,
    TopN,
    Truncation,
)
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

Quartiles = tuple[float, float, float]
Strategies = Iterable[AbstractStrategy]

RECIPES: dict[str, Callable[[], Strategies]] = {
    "factorial": factorial,
    "factorial, no evolution": lambda: factorial(evolve=False),
    "as specified": as_specified,
    "PBT": pbt,
    "cautious": cautious,
    "FIRE PBT": fire_pbt,
    "HDET": hdet,
    "ESGD": esgd,
    "GPBT-PL": gpbt,
    "MF-PBT": mf_pbt,
    "self-adaptive": lambda: [TopN(2, Everyone()), PerGenome(), Gaussian(0.1, learns=("size",))],
}

FUNCTIONS: dict[str, tuple[Function, int]] = {
    "noisy quadratic": (sphere, 3),
    "Rosenbrock": (rosenbrock, 2),
    "Rastrigin": (rastrigin, 2),
    "moving optimum": (moving, 3),
}
NOISE = {"noisy quadratic": 0.05}
SIZES = (4, 8, 32)


def quartiles(values: Sequence[float]) -> Quartiles:
    """Lower quartile, median, upper quartile."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


# ---- Every recipe on every function ----


def reached(
    recipe: Callable[[], Strategies], function: str, size: int, rounds: int, seed: int
) -> float:
    """Return the true fitness, at the end, of the mean of the clan's genes.

    Where the optimum moves, it is the mean over the second half of the run.
    """
    evaluate, genes = FUNCTIONS[function]
    noise, rng = NOISE.get(function, 0.0), Random(seed)
    clan = Clan(recipe(), line([-1.0] * genes), size, seed)
    seen = []
    for step in range(rounds):
        time = step / rounds
        seen.append(evaluate(clan.centre(), time))
        fitnesses = [noisy(evaluate(x, time), noise, rng) for x in clan.values()]
        clan.breed(fitnesses, progress=time)
    return statistics.fmean(seen[rounds // 2 :]) if function == "moving optimum" else seen[-1]


def compare(seeds: int, rounds: int, sizes: Sequence[int]) -> dict[str, dict[str, Quartiles]]:
    """Quartiles by function and size, and by recipe."""
    cells = [(function, size) for function in FUNCTIONS for size in sizes]
    found: dict[str, dict[str, Quartiles]] = {}
    for done, (function, size) in enumerate(cells, 1):
        found[f"{function}, N = {size}"] = {
            name: quartiles([reached(make, function, size, rounds, s) for s in range(seeds)])
            for name, make in RECIPES.items()
        }
        show_progress(done, len(cells), "cells")
    return found


# ---- The toy of the PBT paper ----


Weights = tuple[float, float]


def toy(strategies: Strategies | None, seed: int, size: int = 2, steps: int = 160) -> float:
    """Return the best true value that two weights reach, 1.2 at most.

    The weights climb a surrogate 1.2 - (h0 w0^2 + h1 w1^2) whose h are the genes; the truth is
    1.2 - (w0^2 + w1^2). With h fixed at (1, 0) and (0, 1), as they are in turn at the start, each
    member stops half way. All come as far, and who is as good as the other is not replaced: so each
    begins a hair further off than the one before. Without strategies nobody breeds.
    """
    start = Genome({"h0": FloatAllele(0.5, (0.0, 1.0)), "h1": FloatAllele(0.5, (0.0, 1.0))})
    clan = Clan(strategies or [], start, size, seed)
    clan.members = [
        member.with_hyperparameters(h0=float(rank % 2 == 0), h1=float(rank % 2 == 1))
        for rank, member in enumerate(clan.members)
    ]
    weights: list[Weights] = [(0.9, 0.9 + 1e-6 * rank) for rank in range(size)]
    inheritance = strategies.settings.inheritance if isinstance(strategies, Recipe) else "dominant"
    rng = Random(seed)
    for step in range(steps):
        weights = [
            (w0 - 0.02 * h0 * w0, w1 - 0.02 * h1 * w1)
            for (w0, w1), (h0, h1) in zip(weights, clan.values(), strict=True)
        ]
        if step % 4 == 3 and strategies:
            clan.breed([w0 * w0 + w1 * w1 for w0, w1 in weights], progress=(step + 1) / steps)
            parents = [m.parents for m in clan.members if m.parents is not None]
            weights = [inherited(weights, each, inheritance, rng) for each in parents]
    return max(1.2 - (w0 * w0 + w1 * w1) for w0, w1 in weights)


def inherited(
    weights: Sequence[Weights], parents: Ancestry, inheritance: str, rng: Random
) -> Weights:
    """Return the weights of an offspring, in the way that a recipe asks for."""
    if inheritance == "dominant":
        return weights[parents.dominant]
    if inheritance == "sampled":
        return rng.choices(weights, parents.probabilities)[0]
    shares = [(share, *weights[rank]) for rank, share in parents.contributors]
    return math.fsum(p * w0 for p, w0, _ in shares), math.fsum(p * w1 for p, _, w1 in shares)


def toys(seeds: int, sizes: Sequence[int]) -> dict[str, dict[str, Quartiles]]:
    """Quartiles by size, and by recipe; in a clan of two the one of the paper."""
    control: dict[str, Callable[[], Strategies | None]] = {"nobody breeds": lambda: None}
    paper = {"PBT": lambda: pbt(quantile=0.5, resample=0.0), **control}
    found: dict[str, dict[str, Quartiles]] = {}
    for done, size in enumerate((2, *sizes), 1):
        found[f"PBT toy, best of 1.2, N = {size}"] = {
            name: quartiles([toy(make(), seed, size) for seed in range(seeds)])
            for name, make in (paper if size == 2 else {**RECIPES, **control}).items()
        }
        show_progress(done, len(sizes) + 1, "toys")
    return found


# ---- Self-adaptation beside the textbook ----

SPHERE_GENES, MU, LAMBDA, GOAL = 5, 2, 12, 1e-6


def textbook(seed: int) -> int:
    """Return the evaluations that a plain (mu, lambda) evolution strategy takes to the goal.

    Each offspring comes from one of the mu best; its step sizes, one per gene, adapt by
    exp(t' N + t N_i) with t' = 1 / sqrt(2 n) and t = 1 / sqrt(2 sqrt n), then the genes move.
    """
    rng, n = Random(seed), SPHERE_GENES
    common, own = 1.0 / math.sqrt(2.0 * n), 1.0 / math.sqrt(2.0 * math.sqrt(n))
    parents = [([-1.0] * n, [0.1] * n)] * MU
    for generation in range(1, 5_000):
        brood = []
        for _ in range(LAMBDA):
            x, sizes = rng.choice(parents)
            shared = common * rng.gauss()
            sizes = [size * math.exp(shared + own * rng.gauss()) for size in sizes]
            brood.append(([v + s * rng.gauss() for v, s in zip(x, sizes, strict=True)], sizes))
        parents = sorted(brood, key=lambda child: sphere(child[0]))[:MU]
        if sphere(parents[0][0]) < GOAL:
            return generation * LAMBDA
    return 5_000 * LAMBDA


def self_adaptive(seed: int) -> int:
    """Return the evaluations that the same takes, built from strategies."""
    strategies = [TopN(MU, Everyone(cutoff=1e9)), PerGenome(), Gaussian(0.1, learns=("size",))]
    clan = Clan(strategies, line([-1.0] * SPHERE_GENES), LAMBDA, seed)
    for generation in range(1, 5_000):
        fitnesses = [sphere(x) for x in clan.values()]
        if min(fitnesses) < GOAL:
            return generation * LAMBDA
        clan.breed(fitnesses)
    return 5_000 * LAMBDA


# ---- The default rule on bowls ----


def bowl(strategies: Strategies, genes: int, noise: float, size: int, seed: int) -> list[float]:
    """Return how far the centre is from the optimum, on the latent line, round by round."""
    optimum = [(-1.0) ** k * (0.5 + 0.1 * k) for k in range(genes)]
    start = Genome({f"g{k}": LogFloatAllele(1.0, (1e-3, 1e3)) for k in range(genes)})
    clan, rng, seen = Clan(strategies, start, size, seed), Random(seed), []
    for _ in range(ROUNDS + 1):
        latent = [[math.log(value) for value in member] for member in clan.values()]
        centre = [statistics.fmean(column) for column in zip(*latent, strict=True)]
        seen.append(math.dist(centre, optimum))
        clan.breed(
            [noisy(math.dist(x, optimum) ** 2, noise, rng) for x in latent],
        )
    return seen


ROUNDS = 40
SHOWN = (5, 10, 40)
BOWLS = (1, 3, 7)
NOISES = (0.0, 0.02, 0.10)
BOWL_SIZES = (2, 4, 6, 8, 16)
ON_BOWLS: dict[str, Callable[[int], Strategies]] = {
    "factorial": lambda _: factorial(),
    "clone the best": lambda _: [TopN(1, Everyone()), Dominant(), Gaussian(std=0.1)],
    "the worse half copies": lambda _: [Truncation(quantile=0.5), Dominant(), Gaussian(std=0.1)],
    "mean of the better half": lambda size: [
        TopN(max(1, size // 2), Everyone()),
        Average(),
        Gaussian(std=0.1),
    ],
}


def bowls(seeds: int, sizes: Sequence[int]) -> dict[str, dict[str, list[Quartiles]]]:
    """Quartiles of the distance round by round, by bowl and by rule."""
    cells = [(genes, noise, size) for genes in BOWLS for noise in NOISES for size in sizes]
    found: dict[str, dict[str, list[Quartiles]]] = {}
    for done, (genes, noise, size) in enumerate(cells, 1):
        cell = found[f"{genes} genes, noise {noise:.0%}, N = {size}"] = {}
        for name, make in ON_BOWLS.items():
            runs = [bowl(make(size), genes, noise, size, seed) for seed in range(seeds)]
            cell[name] = [quartiles(at) for at in zip(*runs, strict=True)]
        show_progress(done, len(cells), "bowls")
    return found


# ---- The report ----


def main(*, quick: bool) -> int:
    seeds, rounds, sizes = (3, 10, (4,)) if quick else (20, 40, SIZES)
    compared = compare(seeds, rounds, sizes)
    on_toys = toys(seeds, sizes)
    reps = 3 if quick else 25
    paper = on_toys["PBT toy, best of 1.2, N = 2"]
    ours = quartiles([float(self_adaptive(seed)) for seed in range(reps)])
    theirs = quartiles([float(textbook(seed)) for seed in range(reps)])
    on_bowls = bowls(seeds, (4,) if quick else BOWL_SIZES)

    rows: list[tuple[object, ...]] = [("what", "rule", "lower quartile", "median", "upper")]
    tables = {**compared, **on_toys}
    rows += [(where, rule, *q) for where, rules in tables.items() for rule, q in rules.items()]
    rows += [
        ("sphere, evaluations", "self-adaptive Gaussian", *ours),
        ("sphere, evaluations", "textbook (2, 12)", *theirs),
    ]
    rows += [
        (f"bowl, distance after {shown}, {where}", rule, *distances[shown])
        for where, rules in on_bowls.items()
        for shown in SHOWN
        for rule, distances in rules.items()
    ]
    figures = {
        "functions": compared,
        "toy": on_toys,
        "sphere": {"self-adaptive": ours, "textbook": theirs},
        "bowls": on_bowls,
        "seeds": seeds,
        "quick": quick,
    }
    bars = [
        bar("evaluations against the textbook", ours[1] / theirs[1], 1.5),
        bar("PBT toy: what is missing to 1.2", 1.2 - paper["PBT"][1], 0.05),
    ]
    packages = (*PACKAGES, "clantune-strategies")
    return report("Strategies on functions of their genes", rows, figures, bars, packages)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer seeds, rounds and members")
    sys.exit(main(quick=parser.parse_args().quick))
