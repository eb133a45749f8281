"""Ten thousand generations of every recipe, on fitnesses that are chance. `--quick`: a hundred.

Nothing is to be found, so whatever drifts does so by itself: values against their domains, the size
of a saved genome, the memory of the process.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable
from random import Random
from uuid import UUID

from _report import PACKAGES, bar, report, show_progress

from clantune_core import (
    BoolAllele,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    Population,
    StringAllele,
    member_rng,
    shared_rng,
    to_json,
)
from clantune_strategies import (
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

SIZE = 8
GENES = {
    "optimizer/lr": LogFloatAllele(1e-3, (1e-6, 1.0)),
    "optimizer/momentum": LogitFloatAllele(0.9, (0.5, 0.999)),
    "shift": FloatAllele(0.0, (-1.0, 1.0)),
    "layers": IntAllele(4, (1, 9)),
    "nesterov": BoolAllele(True),
    "schedule": StringAllele("cosine", ("cosine", "linear", "step")),
}
RECIPES: tuple[Callable[[], Recipe], ...] = (
    pbt,
    fire_pbt,
    hdet,
    esgd,
    gpbt,
    mf_pbt,
    as_specified,
    factorial,
    cautious,
    lambda: factorial(evolve=False),
)


def endure(recipe: Recipe, generations: int) -> dict[str, float]:
    """Run a recipe; return what left its domain, and what grew after the first tenth."""
    evolution, rng = Evolution(recipe), Random(0)
    members = [
        evolution.setup(
            Genome(GENES, uuid=UUID(int=rank + 1)),
            member_rng(0, -1, rank),
            shared_rng=shared_rng(0, -1),
            rank=rank,
            population_size=SIZE,
        )
        for rank in range(SIZE)
    ]
    outside, sizes, blocks, began = 0, [], [], time.perf_counter()
    for generation in range(generations):
        population = Population([m.set_fitness(rng.lognormvariate(0.0, 1.0)) for m in members])
        members = [
            evolution.offspring(
                me,
                population,
                member_rng(0, generation, rank),
                shared_rng=shared_rng(0, generation),
                generation=generation,
                progress=generation / generations,
            )
            for rank, me in enumerate(population)
        ]
        outside += sum(not _is_inside(member) for member in members)
        if generation % (generations // 10) == generations // 10 - 1:
            sizes.append(max(len(to_json(member)) for member in members))
            gc.collect()
            blocks.append(sys.getallocatedblocks())
    return {
        "seconds": time.perf_counter() - began,
        "outside": outside,
        "bytes": max(sizes),
        "growth of bytes": max(sizes) / sizes[0],
        "growth of blocks": blocks[-1] - blocks[0],
    }


def _is_inside(member: Genome) -> bool:
    for gene, allele in member.alleles.items():
        if allele.domain != GENES[gene].domain:
            return False
        allele.check_value(allele.value)
    return True


def main(*, quick: bool) -> int:
    generations = 100 if quick else 10_000
    found: dict[str, dict[str, float]] = {}
    for done, make in enumerate(RECIPES, 1):
        recipe = make()
        found[recipe.name] = endure(recipe, generations)
        show_progress(done, len(RECIPES), "recipes")
    columns = ("seconds", "outside", "bytes", "growth of bytes", "growth of blocks")
    rows: list[tuple[object, ...]] = [("recipe", *columns)]
    rows += [(name, *(run[column] for column in columns)) for name, run in found.items()]
    bars = [
        bar("values outside their domain", max(run["outside"] for run in found.values()), 0),
        bar("growth of a saved genome", max(r["growth of bytes"] for r in found.values()), 1.05),
        bar("growth of memory, blocks", max(r["growth of blocks"] for r in found.values()), 2000),
    ]
    packages = (*PACKAGES, "clantune-strategies")
    title = f"{generations:,} generations of {SIZE} members"
    return report(title, rows, {"recipes": found, "quick": quick}, bars, packages)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a hundred generations")
    sys.exit(main(quick=parser.parse_args().quick))
