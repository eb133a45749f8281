"""The mean of the parents."""

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
    """Each gene is the mean of the parents', each weighted by its part in the ancestry.

    Use it where the parents stand around something better than each of them, as after averaging
    their weights. Continuous kinds are averaged on the latent line: of an lr it is the geometric
    mean. Of other kinds the value with the greatest weight is taken, of equals that of the lowest
    rank. All else comes from the dominant parent.
    """

    def handle_crossbreeding(
        self, population_alleles: Sequence[AbstractAllele], ancestry: Ancestry
    ) -> AbstractAllele:
        """Take the mean, or the vote."""
        parents = ancestry.contributors
        base = population_alleles[max(parents, key=itemgetter(1))[0]]
        if len(parents) == 1:
            return base
        alleles: list[tuple[Any, float]] = [(population_alleles[r], part) for r, part in parents]
        if isinstance(base, ContinuousAllele):
            places = [part * allele.latent for allele, part in alleles]
            return base.with_latent(math.fsum(places) / math.fsum(part for _, part in parents))
        votes: dict[Any, float] = {}
        for allele, part in alleles:
            votes[allele.value] = votes.get(allele.value, 0.0) + part
        return base.with_value(max(votes, key=votes.__getitem__))
