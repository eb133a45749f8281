"""The cost of a child and of a long lineage: time, bytes that are kept, and characters."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

import attrs

from clantune_neuro.benchmark.networks import blueprint_of
from clantune_neuro.benchmark.turns import Times, in_turns, one_thread
from clantune_neuro.gates import Gate, Report, at_most, none_of
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import CHARACTERS, Gene
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.replay.nursery import Nursery

STRENGTH = -361  # 0.02
EARLY = 10
TURNS = 60
SECONDS = 5.0
"""The limit of a replay without a cache, for 1,000 genes of 605,184 weights; others in proportion.
"""

REFERENCE = 1_000 * 605_184


@attrs.frozen
class Grown:
    """A lineage that was grown gene by gene.

    Attributes:
        early: The lineage at generation 10.
        late: The lineage at the last generation.
        most: The largest number of bytes that were kept.
    """

    early: Lineage
    late: Lineage
    most: int


def measure(
    *, weights: int, generations: int, cap: int, seed: int = 1, progress: Callable[[int, int], None]
) -> Report:
    """Grow a lineage, time children of its start and of its end, and replay it without a cache.

    Args:
        weights: Number of weights of the network.
        generations: Genes of the lineage.
        cap: Bytes that the nursery keeps.
        seed: Seed of the genes.
        progress: Is told how many generations are done, and of how many.
    """
    blueprint, rng = blueprint_of(weights), Random(seed)
    nursery = Nursery(blueprint, cap)
    with one_thread():
        grown = _grown(nursery, generations, rng, progress)
        times = _children(nursery, grown, rng)
        cold, same = _cold(blueprint, grown.late, nursery)
    early, late = times["early"], times["late"]
    first = min(EARLY, generations)
    gates: list[Gate] = [
        at_most(
            f"a child at generation {generations:,} / {first}", late.median / early.median, 1.2
        ),
        at_most("seconds of a replay without a cache", cold, _limit(weights, generations)),
        at_most("bytes kept / cap", grown.most / cap, 1.0),
        at_most("characters per gene", len(grown.late) / grown.late.num_genes, CHARACTERS),
        none_of("replays to other bits", int(not same)),
    ]
    return Report(
        f"A lineage of {generations:,} genes, {weights:,} weights",
        [
            ("milliseconds of one processor", "shortest", "median"),
            (f"a child at generation {first}", early.shortest, early.median),
            (f"a child at generation {generations:,}", late.shortest, late.median),
            ("all genes without a cache", cold * 1e3, cold * 1e3),
        ],
        gates,
        {
            "seed": seed,
            "bytes kept at most": grown.most,
            "characters of the lineage": len(grown.late),
            "bytes of the weights": 4 * weights,
        },
        "the cost of a child does not depend on the length of its lineage",
    )


def _limit(weights: int, generations: int) -> float:
    return max(SECONDS, SECONDS * weights * generations / REFERENCE)


def _grown(
    nursery: Nursery, generations: int, rng: Random, progress: Callable[[int, int], None]
) -> Grown:
    lineage = early = Lineage.born(rng.getrandbits(64))
    most = 0
    for number in range(1, generations + 1):
        lineage = lineage.append(_gene(nursery.blueprint, rng))
        nursery.state(lineage)
        most = max(most, nursery.nbytes)
        early = lineage if number <= EARLY else early
        progress(number, generations)
    return Grown(early, lineage, most)


def _children(nursery: Nursery, grown: Grown, rng: Random) -> dict[str, Times]:
    """Return the times of children of an early and of a late parent, whose weights are kept."""

    def child_of(parent: Lineage) -> Callable[[], object]:
        def child() -> object:
            gene = _gene(nursery.blueprint, rng)
            return nursery.state(str(parent.append(gene)))  # a text, as a worker gets it

        return child

    calls = {"early": child_of(grown.early), "late": child_of(grown.late)}
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(TURNS):
        nursery.state(grown.early)
        nursery.state(grown.late)
        for name, times in in_turns(calls, 1, warm=False).items():
            found[name] += times.all
    return {name: Times(tuple(times)) for name, times in found.items()}


def _cold(blueprint: Blueprint, lineage: Lineage, nursery: Nursery) -> tuple[float, bool]:
    """Return the seconds of a replay from the birth, and whether its bits are those kept."""
    plain = Nursery(blueprint, cap=0)
    start = time.process_time()
    found = plain.state(lineage)
    seconds = time.process_time() - start
    return seconds, found.sha256 == nursery.state(lineage).sha256


def _gene(blueprint: Blueprint, rng: Random) -> Gene:
    return Gene(blueprint.number_of("normal"), 0, STRENGTH, rng.getrandbits(64))
