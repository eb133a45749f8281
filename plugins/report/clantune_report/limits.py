"""Genes that have evolved to the limit of their range, so that a wider range may be better."""

from __future__ import annotations

from collections.abc import Iterator

from clantune_clan.records.schedule import Round
from clantune_report.facts import Facts
from clantune_report.genes import SMALL, Gene, genes_of


def genes_at_limit(facts: Facts) -> dict[str, float]:
    """Return the genes that most members of the last round hold at a limit, with this limit."""
    if not facts.rounds:
        return {}
    last = facts.rounds[-1]
    return {gene.name: end for gene in genes_of(facts) for end in _limits_of(gene, last)}


def _limits_of(gene: Gene, last: Round) -> Iterator[float]:
    """Return the ends of the domain that most members are within a small step of."""
    if not (gene.is_continuous and gene.allele.can_mutate and gene.varies):
        return
    places = [gene.latent(record.genes[gene.name]) for record in last]
    for end in gene.allele.domain:
        limit = gene.latent(end)
        near = sum(abs(place - limit) <= SMALL * gene.unit for place in places)
        if 2 * near > len(places):
            yield end
