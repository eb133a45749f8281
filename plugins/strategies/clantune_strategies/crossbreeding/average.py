"""Average: the weighted mean of the parents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractCrossbreedingStrategy,
    Ancestry,
    ContinuousAllele,
)


@attrs.frozen
class Average(AbstractCrossbreedingStrategy):
    """Each gene is the mean of the parents' genes, weighted by their shares in the ancestry.

    Use it where the parents surround a better point, as after averaging their weights. The mean of
    a continuous kind is taken on the latent line: for an lr it is the geometric mean. For other
    kinds the value with the largest total share wins; a tie goes to the lowest rank. Metadata comes
    from the dominant parent.
    """

    def handle_crossbreeding(
        self, population_alleles: Sequence[AbstractAllele], ancestry: Ancestry
    ) -> AbstractAllele:
        """Return the mean, or the value with the most votes."""
        parents = ancestry.contributors
        base = population_alleles[max(parents, key=itemgetter(1))[0]]
        if len(parents) == 1:
            return base
        alleles: list[tuple[Any, float]] = [(population_alleles[r], share) for r, share in parents]
        if isinstance(base, ContinuousAllele):
            weighted = [share * allele.latent for allele, share in alleles]
            return base.with_latent(math.fsum(weighted) / math.fsum(share for _, share in parents))
        votes: dict[Any, float] = {}
        for allele, share in alleles:
            votes[allele.value] = votes.get(allele.value, 0.0) + share
        return base.with_value(max(votes, key=votes.__getitem__))
