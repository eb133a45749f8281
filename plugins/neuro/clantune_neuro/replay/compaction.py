"""Compaction: a long lineage becomes a birth of given weights."""

from __future__ import annotations

from clantune_neuro.lineage.blueprint import LineageAllele
from clantune_neuro.replay.nursery import Nursery


def compacted(allele: LineageAllele, nursery: Nursery, after: int) -> LineageAllele:
    """Return an allele with the same weights and a short lineage.

    Its genes are no longer in it, so crossovers and distances see a new birth. Learned rates and
    remembered norms are part of the given weights, so later genes have the same effect.

    Args:
        allele: Any allele of the nursery's blueprint.
        nursery: Replays it. The given weights go to `nursery.births`.
        after: Number of genes, births included, above which a lineage becomes a birth.
    """
    if allele.value.num_genes <= after:
        return allele
    return allele.with_value(nursery.births.add(nursery.state(allele)))
