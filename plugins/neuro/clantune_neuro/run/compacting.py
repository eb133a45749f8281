"""Compaction of a population: the genes that all members share become a birth."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from clantune_core import Population
from clantune_neuro.lineage.gene import CHARACTERS
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.replay.nursery import Nursery
from clantune_neuro.run.members import WEIGHTS, lineage_of


@attrs.frozen
class Compaction:
    """A population whose common genes became a birth of given weights.

    Attributes:
        population: The same members, with short lineages.
        genes: The genes that are no longer in them, as the text of a lineage.
        birth: The text of the birth that they became.
    """

    population: Population
    genes: str
    birth: str


def compacted_population(population: Population, nursery: Nursery, after: int) -> Compaction | None:
    """Return a population with short lineages, or None if its members share few genes.

    Members keep their weights to the bit, and what their lineages differ in.

    Args:
        population: Evaluated members.
        nursery: Replays the common genes. The given weights go to `nursery.births`.
        after: Number of common genes after the birth above which they become a birth.
    """
    texts = [str(lineage_of(member)) for member in population]
    common = common_genes(texts)
    if common.num_genes - common.num_birth <= after:
        return None
    birth = nursery.births.add(nursery.state(common))
    made = [
        member.with_alleles(
            {
                **member.alleles,
                WEIGHTS: member.alleles[WEIGHTS].with_value(birth + text[len(common) :]),
            }
        ).set_fitness(member.fitness)
        for member, text in zip(population, texts, strict=True)
    ]
    return Compaction(Population(made), str(common), str(birth))


def common_genes(texts: Sequence[str]) -> Lineage:
    """Return the genes that all lineages begin with. They need a common birth."""
    first, last = min(texts), max(texts)  # all others lie between them
    differs = (
        place for place, pair in enumerate(zip(first, last, strict=False)) if len({*pair}) > 1
    )
    length = next(differs, min(len(first), len(last)))
    return Lineage(first[: length - length % CHARACTERS])
