"""Replay gives the same bits whatever is kept, in which order, and how a lineage came to be.

Every lineage is replayed plainly first: from its birth, by a nursery that keeps nothing. Its
relatives are replayed in the same way. A nursery with a random cap then replays all of them twice,
in a random order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from uuid import UUID

import attrs
from torch import nn

from clantune_core import Ancestry
from clantune_neuro.gates import Report, none_of
from clantune_neuro.lineage.blueprint import Blueprint, LineageAllele
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.networks.heads import Heads
from clantune_neuro.replay.compaction import compacted
from clantune_neuro.replay.given import GivenBirths
from clantune_neuro.replay.nursery import Nursery
from clantune_neuro.selftest.chains import additive_names, extended, random_chain, random_gene
from clantune_neuro.strategies.crossovers import ByPosition, OnePoint, Union
from clantune_neuro.strategies.mean import Mean

CROSSOVERS = (Union(), OnePoint(), ByPosition(), Mean())

MOST_KEPT = 12
"""A random cap holds at most this many networks with what operators keep beside the weights."""


@attrs.frozen
class Relative:
    """A lineage to replay.

    Attributes:
        kind: How it came to be.
        lineage: Its genes.
        same_as: Another lineage whose weights it must have; itself if there is none.
    """

    kind: str
    lineage: Lineage
    same_as: Lineage = attrs.field(
        default=attrs.Factory(lambda self: self.lineage, takes_self=True)
    )


def measure(
    *, chains: int, genes: int, seed: int = 0, progress: Callable[[int, int], None]
) -> Report:
    """Replay random lineages and their relatives, and compare the SHA-256 of their weights.

    Args:
        chains: Number of random lineages.
        genes: Genes of each.
        seed: Seed of everything that is drawn.
        progress: Is told how many lineages are done, and of how many.
    """
    rng = Random(seed)
    blueprints = (_with_a_bank(), _without_a_bank())
    replays: Counter[str] = Counter()
    differ: Counter[str] = Counter()
    for number in range(chains):
        for kind, same in _replayed(blueprints[number % len(blueprints)], genes, rng):
            replays[kind] += 1
            differ[kind] += not same
        progress(number + 1, chains)
    operators = {name for blueprint in blueprints for name in blueprint.operator_names}
    return Report(
        f"Replay of {chains:,} random lineages of {genes:,} genes and of their relatives",
        lines=[
            ("compared with a plain replay", "replays", "mismatches"),
            *((kind, count, differ[kind]) for kind, count in replays.items()),
        ],
        gates=[none_of("mismatches", differ.total())],
        facts={"operators": len(operators), "seed": seed, "replays": replays.total()},
        claim="what is kept, the order, crossover and compaction change no bit of a weight",
    )


def _with_a_bank() -> Blueprint:
    return Blueprint.of(Heads(8, features=12, classes=5))


def _without_a_bank() -> Blueprint:
    layers = nn.Conv2d(2, 4, 3, bias=False), nn.Flatten(), nn.Linear(16, 3)
    return Blueprint.of(nn.Sequential(*layers))


def _replayed(blueprint: Blueprint, genes: int, rng: Random) -> Iterator[tuple[str, bool]]:
    """Yield the kind of each replay, and whether it gave the bits of the plain one."""
    births = GivenBirths()
    plain = Nursery(blueprint, cap=0, births=births)
    family = [*_family(blueprint, genes, rng, plain), *_shuffled(blueprint, genes, rng)]
    hashes = {each.lineage: plain.state(each.lineage).sha256 for each in family}
    for each in family:
        if each.same_as != each.lineage:
            yield f"{each.kind}, replayed plainly", hashes[each.lineage] == hashes[each.same_as]
    cached = Nursery(blueprint, cap=_cap(blueprint, rng), births=births)
    for each in rng.sample(family, len(family)):
        text = rng.choice((each.lineage, str(each.lineage)))  # the text, as a worker gets it
        yield f"{each.kind}, from what is kept", cached.state(text).sha256 == hashes[each.same_as]


def _cap(blueprint: Blueprint, rng: Random) -> int:
    """Return a number of bytes: none, or enough for a network with rates and norms."""
    largest = 16 * blueprint.num_weights
    kept = rng.randrange(MOST_KEPT)
    return kept * largest + (rng.randrange(largest) if kept else 0)


def _family(blueprint: Blueprint, genes: int, rng: Random, plain: Nursery) -> Iterator[Relative]:
    """Yield a random lineage, parts of it, a relative, their child, and the compacted lineage."""
    trunk = random_chain(blueprint, genes, rng.getrandbits(64))
    yield Relative("random lineages", trunk)
    born, *later = trunk.genes()
    start = Lineage.born(born.seed)
    for _ in range(2):
        yield Relative("prefixes", extended(start, later[: rng.randrange(genes + 1)]))
    place = rng.randrange(genes)
    shared = extended(start, later[:place])
    branch = [random_gene(blueprint, rng) for _ in range(genes - place)]
    relative = extended(shared, branch)
    yield Relative("relatives", relative)
    yield _child(blueprint, (trunk, relative), rng)
    short = compacted(LineageAllele(shared, blueprint), plain, after=0).value
    yield Relative("compacted lineages", extended(short, later[place:]), trunk)


def _child(blueprint: Blueprint, parents: tuple[Lineage, Lineage], rng: Random) -> Relative:
    """Return a child of two lineages, by a crossover drawn at random."""
    crossover = rng.choice(CROSSOVERS)
    share = rng.uniform(0.1, 0.9)
    uuids = [UUID(int=rng.getrandbits(128)) for _ in parents]
    ancestry = Ancestry([share, 1 - share], uuids)
    alleles = [LineageAllele(lineage, blueprint) for lineage in parents]
    child = crossover.handle_crossbreeding(alleles, ancestry, rng)
    assert child is not None  # noqa: S101  (crossovers leave other kinds alone)
    return Relative(f"children by {type(crossover).__name__}", child.value)


def _shuffled(blueprint: Blueprint, genes: int, rng: Random) -> Iterator[Relative]:
    """Yield a lineage of additive genes, and the same genes in another order."""
    names = additive_names(blueprint)
    ordered = random_chain(blueprint, genes, rng.getrandbits(64), names)
    yield Relative("additive lineages", ordered)
    born, *later = ordered.genes()
    rng.shuffle(later)
    yield Relative("additive lineages, shuffled", extended(Lineage.born(born.seed), later), ordered)
