"""Replay of lineages: the time of a gene, of a child, and of a long lineage. `--quick`: a glance.

The network has 605,184 weights in three convolutions and two dense layers. Times are of one
processor, `process_time` on one thread, taken in turns: of genes the shortest, of children the
median.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from random import Random

import torch
from _report import PACKAGES, Bar, bar, report
from torch import nn

from clantune_neuro import Blueprint, Gene, Lineage, Nursery
from clantune_neuro.noise.sources import TorchSource
from clantune_neuro.replay.state import State

STRENGTH = -361  # 0.02
CAP = 32 * 2**20
EARLY = 10


def network(*, quick: bool) -> nn.Module:
    """Return the network, or a small one."""
    if quick:
        return nn.Linear(256, 128, bias=False)
    return nn.Sequential(
        nn.Conv2d(3, 32, 8, bias=False),
        nn.Conv2d(32, 64, 4, bias=False),
        nn.Conv2d(64, 64, 3, bias=False),
        nn.Linear(1024, 512, bias=False),
        nn.Linear(512, 10, bias=False),
    )


def in_turns(calls: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the shortest time of each call, in milliseconds of one processor."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append((time.process_time() - start) * 1e3)
    return {name: min(found) for name, found in times.items()}


def genes(blueprint: Blueprint, repeats: int) -> dict[str, float]:
    """Return the milliseconds of one gene of each operator, and of what they are compared with."""
    state = Nursery(blueprint, cap=0).state(Lineage.born(7))
    generator = torch.Generator().manual_seed(7)

    def call(name: str, own: State) -> Callable[[], object]:
        number = blueprint.number_of(name)
        argument = blueprint.number_of("normal") if name == "norm" else 0
        gene = Gene(number, argument, STRENGTH, 5)
        return partial(blueprint.operator(number).apply, own, gene, blueprint)

    twin = state.copy()
    twin.source = TorchSource(torch.device("cpu"))
    normal = blueprint.operator_names[0]
    pair: dict[str, Callable[[], object]] = {
        "torch.randn": partial(torch.randn, blueprint.num_weights, generator=generator),
        normal: call(normal, state.copy()),
    }
    others = {name: call(name, state.copy()) for name in blueprint.operator_names[1:]}
    others["normal, torch twin"] = call(normal, twin)
    return {**in_turns(pair, repeats), **in_turns(others, repeats)}


def chain(blueprint: Blueprint, length: int) -> tuple[list[Bar], dict[str, float]]:
    """Grow a lineage gene by gene, and replay it again without a cache."""
    rng, nursery = Random(1), Nursery(blueprint, cap=CAP)
    lineage = early = Lineage.born(7)
    most = 0
    for number in range(length):
        lineage = lineage.append(_gene(rng))
        nursery.state(lineage)
        most = max(most, nursery.nbytes)
        early = lineage if number < EARLY else early
    ratio, early_ms, late_ms = children(nursery, early, lineage, rng)
    plain = Nursery(blueprint, cap=0)
    start = time.process_time()
    same = plain.state(lineage).sha256 == nursery.state(lineage).sha256
    cold = time.process_time() - start
    bars = [
        bar(f"cost of a child, gene {length} / gene {EARLY}", ratio, 1.2),
        bar("seconds of a replay without a cache", cold, 5.0),
        bar("bytes kept / cap", most / CAP, 1.0),
        bar("characters per gene", len(lineage) / lineage.num_genes, 16.0),
        bar("replays with other bits", int(not same), 0),
    ]
    return bars, {"child_early_ms": early_ms, "child_late_ms": late_ms, "cold_seconds": cold}


def children(
    nursery: Nursery, early: Lineage, late: Lineage, rng: Random
) -> tuple[float, float, float]:
    """Return the ratio and the medians of the cost of children of two lineages, in turns."""
    costs: dict[str, list[float]] = {"early": [], "late": []}
    for _ in range(60):
        for name, parent in (("early", early), ("late", late)):
            nursery.state(parent)
            child = str(parent.append(_gene(rng)))  # a text, as a worker gets it
            start = time.process_time()
            nursery.state(child)
            costs[name].append((time.process_time() - start) * 1e3)
    first, second = (statistics.median(costs[name]) for name in ("early", "late"))
    return second / first, first, second


def _gene(rng: Random) -> Gene:
    return Gene(2, 0, STRENGTH, rng.getrandbits(64))


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    blueprint = Blueprint.of(network(quick=quick))
    times = genes(blueprint, 3 if quick else 15)
    bars, figures = chain(blueprint, 60 if quick else 1000)
    bars.insert(0, bar("a normal gene / torch.randn", times["normal"] / times["torch.randn"], 1.0))
    rows = [("milliseconds", "one gene"), *times.items()]
    packages = (*PACKAGES, "numpy", "torch")
    title = f"Replay of lineages, {blueprint.num_weights:,} weights"
    return report(title, rows, {"genes_ms": times, **figures}, bars, packages)


if __name__ == "__main__":
    raise SystemExit(main())
