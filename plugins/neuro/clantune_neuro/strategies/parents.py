"""The parents of a lineage: the genes that all of them begin with, and those that differ."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Sequence

import attrs
import numpy as np

from clantune_core import AbstractAllele, Ancestry
from clantune_neuro.lineage.blueprint import LineageAllele
from clantune_neuro.lineage.gene import CHARACTERS
from clantune_neuro.lineage.lineage import Lineage

Genes = tuple[str, ...]
"""Genes as texts of 16 characters."""


@attrs.frozen
class Parents:
    """The parents of an offspring, as a crossover of lineages sees them.

    Attributes:
        dominant: The allele of the parent with the largest share.
        start: Number of genes at the beginning of the dominant parent that every offspring gets:
            its birth, and the genes with which all parents begin.
        tails: The later genes of each parent, those of the dominant parent first, then in rank
            order.
        shares: The shares of the parents, in the same order; their sum is 1.
    """

    dominant: LineageAllele
    start: int
    tails: tuple[Genes, ...]
    shares: tuple[float, ...]

    @classmethod
    def of(cls, alleles: Sequence[AbstractAllele], ancestry: Ancestry) -> Parents | None:
        """Return the parents, or None if the alleles are not lineages."""
        dominant = alleles[ancestry.dominant]
        if not isinstance(dominant, LineageAllele):
            return None
        others = [(r, share) for r, share in ancestry.contributors if r != ancestry.dominant]
        held = dict(ancestry.contributors)
        ranked = [(ancestry.dominant, held[ancestry.dominant]), *others]
        start, tails = _split(tuple(alleles[rank].value for rank, _ in ranked))
        total = math.fsum(held.values())
        return cls(dominant, start, tails, tuple(share / total for _, share in ranked))

    def child(self, tail: Sequence[str]) -> LineageAllele:
        """Return an allele with the genes that every offspring gets, and some more."""
        return self.dominant.spliced(self.start, "".join(tail))


def shares_of_genes(
    tails: Sequence[Genes], shares: Sequence[float]
) -> dict[tuple[str, int], float]:
    """Return the share of the parents that have each gene, in the order of first appearance.

    A gene that a parent has several times counts as several genes: the key is the text of the gene,
    and the number of its occurrences before it. A gene of all parents has exactly 1.
    """
    holders: dict[tuple[str, int], list[int]] = {}
    for number, tail in enumerate(tails):
        seen: Counter[str] = Counter()
        for gene in tail:
            holders.setdefault((gene, seen[gene]), []).append(number)
            seen[gene] += 1
    return {
        gene: 1.0 if len(having) == len(tails) else math.fsum(shares[each] for each in having)
        for gene, having in holders.items()
    }


def common_genes(lineages: Sequence[Lineage]) -> int:
    """Return the number of genes with which all of some lineages begin."""
    first = np.frombuffer(lineages[0].encode(), dtype=np.uint8)
    common = len(first)
    for lineage in lineages[1:]:
        if lineage is lineages[0] or lineage.startswith(lineages[0][:common]):
            continue
        other = np.frombuffer(lineage.encode(), dtype=np.uint8)
        common = min(common, len(other))
        differs = first[:common] != other[:common]
        common = int(differs.argmax()) if differs.any() else common
    return common // CHARACTERS


@functools.lru_cache(maxsize=4)  # often, all offspring of a generation have the same parents
def _split(lineages: tuple[Lineage, ...]) -> tuple[int, tuple[Genes, ...]]:
    """Return the number of genes that the first lineage keeps, and the later genes of each."""
    common = common_genes(lineages)
    starts = [max(common, lineage.num_birth) for lineage in lineages]
    return starts[0], tuple(map(_genes, lineages, starts))


def _genes(lineage: Lineage, start: int) -> Genes:
    return tuple(
        lineage[place : place + CHARACTERS]
        for place in range(start * CHARACTERS, len(lineage), CHARACTERS)
    )
