"""What the core costs: hooks, trees, an offspring, the import. `--quick` measures less of it.

Everything is a median with its quartiles; what is compared is measured in turns, in one run.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import statistics
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from operator import lt
from random import Random
from typing import Any, NamedTuple

import attrs
from _report import Bar, bar, report, show_progress

from clantune_core import (
    AbstractAllele,
    AbstractCrossbreedingStrategy,
    AbstractMutationStrategy,
    Ancestry,
    Context,
    ContinuousAllele,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    Population,
    from_json,
    member_rng,
    to_json,
)
from clantune_core.hooks.dispatch import Calls

GENES = 100
MANY_GENES = (10, 30, 100, 300)
SIZES = (8, 64, 256, 1024)
QUICK_SIZES = (8, 16, 64)
LIMITS = {8: 2.0, 1024: 30.0}
"""Milliseconds that a member's own offspring may take, by the size of the population."""

FEW = 64
"""The population in which the number of genes grows."""

DEPENDENCIES = "import attrs, cattrs, pluggy"
CORE = "import clantune_core"

Call = Callable[[], object]


# ---- Strategies, such as a user would list ----


@attrs.frozen
class PassThrough(AbstractMutationStrategy):
    def handle_mutating(self, allele: AbstractAllele) -> AbstractAllele:
        return allele


@attrs.frozen
class Gaussian(AbstractMutationStrategy):
    std: float = 0.1

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        if not isinstance(allele, ContinuousAllele):
            return allele
        return allele.with_latent(allele.latent + rng.gauss(0.0, self.std))


@attrs.frozen
class SelfAdaptiveGaussian(AbstractMutationStrategy):
    """The gene's step is an allele in its metadata, which mutates like any other."""

    rate: float = 0.2

    def handle_setup(self, allele: AbstractAllele) -> AbstractAllele:
        return allele.with_metadata(std=LogFloatAllele(0.1, (1e-3, 1.0)))

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        if not isinstance(allele, ContinuousAllele):
            return allele
        std = allele.metadata.get("std", self.rate)
        return allele.with_latent(allele.latent + rng.gauss(0.0, std))


@attrs.frozen
class Drift(AbstractMutationStrategy):
    """Pulls a gene a little towards zero, less and less."""

    rate: float = 0.01

    def handle_mutating(self, allele: AbstractAllele, context: Context) -> AbstractAllele:
        if not isinstance(allele, ContinuousAllele):
            return allele
        return allele.with_latent(allele.latent * (1.0 - self.rate / (1 + context.generation)))


@attrs.frozen
class Tournament(AbstractCrossbreedingStrategy):
    """Two parents of equal weight, each the best of a few drawn at random."""

    size: int = 4

    def select_ancestry(self, population_genomes: Population, rng: Random) -> Ancestry:
        fitnesses = population_genomes.fitnesses()
        weights = [0.0] * len(fitnesses)
        for _ in range(2):
            drawn = (rng.randrange(len(fitnesses)) for _ in range(self.size))
            weights[min(drawn, key=fitnesses.__getitem__)] += 0.5
        return Ancestry.from_weights(weights, population_genomes)


@attrs.frozen
class Average(AbstractCrossbreedingStrategy):
    """The parents' weighted mean on the latent line."""

    def handle_crossbreeding(
        self,
        my_allele: AbstractAllele,
        population_alleles: Sequence[ContinuousAllele],
        ancestry: Ancestry,
    ) -> AbstractAllele | None:
        if not isinstance(my_allele, ContinuousAllele):
            return None
        return my_allele.with_latent(
            sum(part * population_alleles[rank].latent for rank, part in ancestry.contributors)
        )


# ---- Genomes ----


def genome(genes: int, *, trees: bool = False) -> Genome:
    """A genome of all continuous kinds; with trees, every gene has an allele in its metadata."""
    kinds = (
        lambda: LogFloatAllele(1e-3, (1e-6, 1.0)),
        lambda: LogitFloatAllele(0.9, (0.5, 0.999)),
        lambda: FloatAllele(0.5, (-1.0, 1.0)),
        lambda: IntAllele(64, (1, 1024)),
    )
    bare = Genome({f"optimizer/{i}/gene": kinds[i % len(kinds)]() for i in range(genes)})
    return Evolution([SelfAdaptiveGaussian()]).setup(bare, Random(0)) if trees else bare


def members(size: int, genes: int, *, trees: bool = False) -> list[Genome]:
    """A population of different genomes as it comes from other processes: read from JSON."""
    template, rng = genome(genes, trees=trees), Random(0)
    mutation = Evolution([Gaussian(0.3)])
    texts = (
        to_json(mutation.mutate(template.with_uuid(), rng).set_fitness(rng.random()))
        for _ in range(size)
    )
    return [from_json(text, Genome) for text in texts]


# ---- Measuring ----


class Spread(NamedTuple):
    """A figure with its quartiles."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        return cls(*statistics.quantiles(values, n=4, method="inclusive"))

    def times(self, factor: float) -> Spread:
        return Spread(*(factor * value for value in self))


def in_turns(calls: Mapping[Any, Call], rounds: int) -> dict[Any, Spread]:
    """Seconds per call, each called in every round: what disturbs one disturbs all."""
    timers = {name: timeit.Timer(call, gc.enable) for name, call in calls.items()}
    often = {name: max(1, int(0.005 / timer.timeit(1))) for name, timer in timers.items()}
    seconds: dict[Any, list[float]] = {name: [] for name in timers}
    for _ in range(rounds):
        for name, timer in timers.items():
            seconds[name].append(timer.timeit(often[name]) / often[name])
    return {name: Spread.of(values) for name, values in seconds.items()}


def slope(growth: Mapping[int, Spread]) -> float:
    """The exponent of the growth: 1 is linear, less has a part that does not grow."""
    points = [(math.log(x), math.log(spread.median)) for x, spread in growth.items()]
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def last_slope(growth: Mapping[int, Spread]) -> float:
    """The same between the two largest, where the part that does not grow counts least."""
    return slope(dict([*growth.items()][-2:]))


def folds(rounds: int) -> dict[str, Spread]:
    """Microseconds per fold of three strategies over one allele."""
    allele = FloatAllele(0.5, (-1.0, 1.0), metadata={"std": 0.1})
    arguments: dict[str, Any] = {"context": Context(gene="lr"), "rng": Random(0)}

    def fold(*strategies: AbstractMutationStrategy) -> Call:
        seated = Calls(strategies)
        return lambda: seated.fold("handle_mutating", "allele", allele, arguments)

    calls = {
        "fold of three that pass": fold(PassThrough(), PassThrough(), PassThrough()),
        "fold of three that mutate": fold(Gaussian(), SelfAdaptiveGaussian(), Drift()),
    }
    return {name: spread.times(1e6) for name, spread in in_turns(calls, rounds).items()}


def nodes(rounds: int) -> dict[str, Spread]:
    """Microseconds per node that is walked, or synthesized."""

    def walk(whole: Genome) -> int:
        return len(whole.walk(lambda node, _: node))

    def keep(whole: Genome) -> Genome:
        return whole.synthesize([whole], lambda node, *_: node)

    def change(whole: Genome) -> Genome:
        return whole.synthesize([whole], lambda node, *_: node.with_value(node.value))

    bare, deep = genome(GENES), genome(GENES, trees=True)
    cases = {
        f"node {what}{where}": (handle, whole)
        for where, whole in (("", bare), (" in trees", deep))
        for what, handle in (
            ("walked", walk),
            ("synthesized as it was", keep),
            ("synthesized anew", change),
        )
    }
    calls = {name: partial(handle, whole) for name, (handle, whole) in cases.items()}
    measured = in_turns(calls, rounds)
    return {name: measured[name].times(1e6 / walk(cases[name][1])) for name in calls}


def offspring(listed: Sequence[Genome], mutation: AbstractMutationStrategy) -> Call:
    """A member's own offspring: select, crossbreed and mutate."""
    evolution = Evolution([Tournament(), Average(), mutation])
    rng = member_rng(0, 0, 0)
    return lambda: evolution.offspring(listed[0], listed, rng)


def growth_with_members(sizes: Sequence[int], rounds: int) -> dict[str, dict[int, Spread]]:
    """Milliseconds per offspring, by how the population is given and its size."""
    calls: dict[tuple[str, int], Call] = {}
    for done, size in enumerate(sizes, 1):
        plain, adaptive = members(size, GENES), members(size, GENES, trees=True)
        calls |= {
            ("a list", size): offspring(plain, Gaussian()),
            ("a shared Population", size): offspring(Population(plain), Gaussian()),
            ("a list, std in metadata", size): offspring(adaptive, SelfAdaptiveGaussian()),
            ("a shared Population, std in metadata", size): offspring(
                Population(adaptive), SelfAdaptiveGaussian()
            ),
        }
        show_progress(done, len(sizes), "populations read")
    found: dict[str, dict[int, Spread]] = {}
    for (how, size), spread in in_turns(calls, rounds).items():
        found.setdefault(how, {})[size] = spread.times(1e3)
    return found


def growth_with_genes(rounds: int) -> dict[int, Spread]:
    """Milliseconds per offspring, by the number of genes."""
    calls = {genes: offspring(members(FEW, genes), Gaussian()) for genes in MANY_GENES}
    return {genes: spread.times(1e3) for genes, spread in in_turns(calls, rounds).items()}


def imports(rounds: int) -> dict[str, Spread]:
    """Milliseconds that an import adds to an empty interpreter, and their ratio in each round.

    The core imports cattrs with its first document, so that is not in its figure. Every module has
    its bytecode, as after an installation by pip.
    """
    with tempfile.TemporaryDirectory() as cache:
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

        def fresh(code: str) -> Call:
            command = [sys.executable, "-X", f"pycache_prefix={cache}", "-c", code]
            return lambda: subprocess.run(command, env=kept, check=True)

        timers = [timeit.Timer(fresh(code)) for code in ("pass", DEPENDENCIES, CORE)]
        turns = [[timer.timeit(1) for timer in timers] for _ in range(rounds + 1)][1:]
    added = [(some - empty, core - empty) for empty, some, core in turns]
    return {
        "attrs, cattrs and pluggy": Spread.of(some for some, _ in added).times(1e3),
        "clantune_core": Spread.of(core for _, core in added).times(1e3),
        "ratio": Spread.of(core / some for some, core in added),
    }


# ---- The report ----


def judge(
    hooks: Mapping[str, Spread],
    by_members: Mapping[int, Spread],
    by_genes: Mapping[int, Spread],
    imported: Mapping[str, Spread],
) -> list[Bar]:
    """The figures that have a bar, beside it."""
    return [
        bar("microseconds per fold of three", hooks["fold of three that pass"].median, 2.0, lt),
        *(
            bar(f"milliseconds per offspring, {size} members", by_members[size].median, limit, lt)
            for size, limit in LIMITS.items()
            if size in by_members
        ),
        bar("growth with members (slope at the end)", last_slope(by_members), 1.1),
        bar("growth with genes (slope at the end)", last_slope(by_genes), 1.1),
        bar("import against its dependencies", imported["ratio"].median, 1.5),
    ]


def main(*, quick: bool) -> int:
    rounds, sizes = (3, QUICK_SIZES) if quick else (31, SIZES)
    hooks = folds(rounds)
    trees = nodes(rounds)
    by_members = growth_with_members(sizes, rounds)
    by_genes = growth_with_genes(rounds)
    imported = imports(rounds)
    growths = {
        what: {"all": slope(growth), "the last two": last_slope(growth)}
        for what, growth in (("members", by_members["a list"]), ("genes", by_genes))
    }

    rows: list[tuple[object, ...]] = [("what", "unit", "lower quartile", "median", "upper")]
    rows += [(what, "us", *spread) for what, spread in {**hooks, **trees}.items()]
    rows += [
        (f"offspring, {how} of {size}", "ms", *spread)
        for how, growth in by_members.items()
        for size, spread in growth.items()
    ]
    rows += [
        (f"offspring, {genes} genes, {FEW} members", "ms", *spread)
        for genes, spread in by_genes.items()
    ]
    rows += [
        (f"import, {what}", "x" if what == "ratio" else "ms", *spread)
        for what, spread in imported.items()
    ]
    rows += [
        (f"growth with {what}, {over}", "slope", "", value, "")
        for what, slopes in growths.items()
        for over, value in slopes.items()
    ]
    figures = {
        "microseconds": {**hooks, **trees},
        "milliseconds per offspring by members": by_members,
        "milliseconds per offspring by genes": by_genes,
        "growth": growths,
        "import": imported,
        "quick": quick,
    }
    bars = judge(hooks, by_members["a list"], by_genes, imported)
    return report(f"The core, {GENES} genes where nothing is said", rows, figures, bars)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller populations")
    sys.exit(main(quick=parser.parse_args().quick))
