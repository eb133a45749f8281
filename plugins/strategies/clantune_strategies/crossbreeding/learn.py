"""Learn: go towards a parent with momentum, instead of becoming it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractCrossbreedingStrategy,
    Ancestry,
    Context,
    ContinuousAllele,
    Once,
)
from clantune_strategies._checks import number
from clantune_strategies._latent import finite

VELOCITY = "learn/velocity"


@attrs.frozen
class Learn(AbstractCrossbreedingStrategy):
    """Moves a gene towards the dominant parent's, a random part of the way, with momentum.

    Use it with `Pairs`: the worse one learns from the better one and keeps something of its own.
    Who is its own parent stays. Continuous genes only; discrete kinds are passed on.

    Attributes:
        rate: How far it goes on average, 1 is all the way; each genome draws from 0 to twice this.
        momentum: How much of its last move it makes again, 0 to below 1.
    """

    rate: float = number(0.5)
    momentum: float = number(0.5, 0.0, 0.999)

    def handle_crossbreeding(
        self,
        my_allele: AbstractAllele,
        population_alleles: Sequence[AbstractAllele],
        ancestry: Ancestry,
        context: Context,
        once: Once,
    ) -> AbstractAllele | None:
        """Make a step towards the parent."""
        parent = population_alleles[ancestry.dominant]
        if not isinstance(my_allele, ContinuousAllele) or not isinstance(parent, ContinuousAllele):
            return None
        if ancestry.dominant == context.rank:
            return my_allele
        part = 2.0 * self.rate * once("learn")
        pull = part * parent.latent - part * my_allele.latent
        velocity = finite(self.momentum * my_allele.metadata.get(VELOCITY, 0.0) + finite(pull))
        there = my_allele.with_latent(finite(my_allele.latent + velocity))
        return there.with_metadata({VELOCITY: velocity})
