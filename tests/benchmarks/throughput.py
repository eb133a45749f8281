"""Genes per second of one generation, beside DEAP and PyGAD. `--quick`: the smallest size only.

Everybody does the same work: tournaments of three, simulated binary crossover of two parents where
there is one (PyGAD has none: uniform), and Gaussian noise on every gene (PyGAD: uniform noise).
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import importlib.util
import pstats
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

from _clans import line
from _report import PACKAGES, Bar, bar, report, show_progress

from clantune_core import Evolution, Genome, Population, member_rng
from clantune_strategies import SBX, Gaussian, Tournament

SIZES = (8, 64, 1024)
GENES = (10, 100)
STD, ETA = 0.1, 15.0
STRATEGIES = (Tournament(size=3), SBX(eta=ETA), Gaussian(std=STD))

Generation = Callable[[], object]
Quartiles = tuple[float, float, float]


def members(size: int, genes: int) -> list[Genome]:
    """An evaluated population."""
    rng = Random(0)
    return [
        line([rng.uniform(-4.0, 4.0) for _ in range(genes)]).set_fitness(rng.random())
        for _ in range(size)
    ]


def clantune(size: int, genes: int) -> Generation:
    """All offspring of one population, compared once as in one process."""
    evolution, evaluated = Evolution(STRATEGIES), members(size, genes)

    def generation() -> object:
        population = Population(evaluated)
        return [
            evolution.offspring(me, population, member_rng(0, 0, rank))
            for rank, me in enumerate(population)
        ]

    return generation


def deap(size: int, genes: int) -> Generation:
    """DEAP's own generation: select, clone, mate, mutate."""
    from deap import algorithms, base, creator, tools

    if not hasattr(creator, "Member"):
        creator.create("Loss", base.Fitness, weights=(-1.0,))
        creator.create("Member", list, fitness=creator.Loss)
    toolbox = base.Toolbox()
    toolbox.register("select", tools.selTournament, tournsize=3)
    toolbox.register("mate", tools.cxSimulatedBinary, eta=ETA)
    toolbox.register("mutate", tools.mutGaussian, mu=0.0, sigma=STD, indpb=1.0)
    rng = Random(0)
    population = [
        creator.Member([rng.uniform(-4.0, 4.0) for _ in range(genes)]) for _ in range(size)
    ]
    for member in population:
        member.fitness.values = (rng.random(),)
    return lambda: algorithms.varAnd(toolbox.select(population, size), toolbox, 1.0, 1.0)


def pygad(size: int, genes: int) -> Generation:
    """PyGAD's own generation: select, cross over, mutate, and a fitness that is a constant."""
    import pygad

    algorithm: Any = pygad.GA(
        num_generations=1,
        num_parents_mating=size,
        sol_per_pop=size,
        num_genes=genes,
        fitness_func=lambda *_: 1.0,
        parent_selection_type="tournament",
        K_tournament=3,
        crossover_type="uniform",
        mutation_type="random",
        mutation_percent_genes=100,
        random_mutation_min_val=-STD,
        random_mutation_max_val=STD,
        keep_parents=0,
        keep_elitism=0,
        suppress_warnings=True,
    )
    run: Generation = algorithm.run
    return run


RIVALS: dict[str, Callable[[int, int], Generation]] = {
    "ClanTune": clantune,
    "deap": deap,
    "pygad": pygad,
}


def in_turns(generations: Sequence[Generation], rounds: int) -> list[list[float]]:
    """Seconds of each, measured one after the other in every round."""
    for generation in generations:
        generation()
    taken: list[list[float]] = [[] for _ in generations]
    for _ in range(rounds):
        for generation, seconds in zip(generations, taken, strict=True):
            gc.collect()
            start = time.perf_counter()
            generation()
            seconds.append(time.perf_counter() - start)
    return taken


def quartiles(values: Iterable[float]) -> Quartiles:
    """Lower quartile, median, upper quartile."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def own_offspring(size: int, genes: int, rounds: int) -> float:
    """Milliseconds that a member takes that knows the population as a list, as in a clan."""
    evolution, evaluated = Evolution(STRATEGIES), members(size, genes)
    (taken,) = in_turns(
        [lambda: evolution.offspring(evaluated[0], evaluated, member_rng(0, 0, 0))], rounds
    )
    return 1e3 * statistics.median(taken)


def where_it_goes(size: int, genes: int) -> list[tuple[str, float]]:
    """The functions of a generation that take most, with their share of it."""
    profile = cProfile.Profile()
    generation = clantune(size, genes)
    profile.runcall(generation)
    stats = pstats.Stats(profile)
    every: dict[tuple[str, int, str], tuple[Any, ...]] = stats.stats  # type: ignore[attr-defined]
    total = sum(taken[2] for taken in every.values())
    most = sorted(every.items(), key=lambda item: -item[1][2])[:12]
    return [(f"{name} ({file.rpartition('/')[2]})", t[2] / total) for (file, _, name), t in most]


def main(*, quick: bool) -> int:
    sizes, rounds = (SIZES[:1], 3) if quick else (SIZES, 15)
    there = {n: r for n, r in RIVALS.items() if n == "ClanTune" or importlib.util.find_spec(n)}
    speeds: dict[str, dict[str, Quartiles]] = {}
    ratios: dict[str, Quartiles] = {}
    cells = [(size, genes) for size in sizes for genes in GENES]
    for done, (size, genes) in enumerate(cells, 1):
        taken = in_turns([make(size, genes) for make in there.values()], rounds)
        cell = f"{size} members, {genes} genes"
        speeds[cell] = {
            name: quartiles(size * genes / second for second in seconds)
            for name, seconds in zip(there, taken, strict=True)
        }
        for name, seconds in zip(there, taken, strict=True):
            if name != "ClanTune":
                pairs = zip(taken[0], seconds, strict=True)
                ratios[f"{cell}, {name}"] = quartiles(ours / theirs for ours, theirs in pairs)
        show_progress(done, len(cells), "sizes")
    own = {size: own_offspring(size, 100, rounds) for size in sizes}
    profile = where_it_goes(64, 100)

    rows: list[tuple[object, ...]] = [("what", "who", "lower quartile", "median", "upper")]
    rows += [
        (f"genes/s, {cell}", name, *(round(value) for value in spread))
        for cell, rivals in speeds.items()
        for name, spread in rivals.items()
    ]
    rows += [(f"times as long, {cell}", "ClanTune", *spread) for cell, spread in ratios.items()]
    rows += [
        (f"ms, own offspring of 100 genes among {size}", "ClanTune", "", ms, "")
        for size, ms in own.items()
    ]
    rows += [("share of a generation, 64 x 100", what, "", share, "") for what, share in profile]
    limits = {8: 2.0, 1024: 30.0}
    bars: list[Bar] = [
        bar(f"times as long as DEAP, {cell.removesuffix(', deap')}", spread[1], 5.0)
        for cell, spread in ratios.items()
        if cell.endswith(", deap")
    ]
    if "deap" not in there:
        bars.append(bar("rivals missing: pip install clantune-strategies[bench]", 1, 0))
    bars += [
        bar(f"ms, own offspring among {size}", ms, limits[size])
        for size, ms in own.items()
        if size in limits
    ]
    figures = {
        "genes per second": speeds,
        "times as long": ratios,
        "own offspring, ms": own,
        "profile": profile,
        "quick": quick,
    }
    packages = (*PACKAGES, "clantune-strategies", *(set(there) - {"ClanTune"}))
    return report("One generation in one process", rows, figures, bars, packages)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest population only")
    sys.exit(main(quick=parser.parse_args().quick))
