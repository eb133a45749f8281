"""Learn: move towards a parent with momentum instead of copying it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractCrossbreedingStrategy,
    Ancestry,
    Context,
    ContinuousAllele,
    Draws,
)
from clantune_strategies._latent import clip_to_finite
from clantune_strategies.checks import number_field

VELOCITY = "learn/velocity"


@attrs.frozen
class Learn(AbstractCrossbreedingStrategy):
    """Moves a gene a random part of the way towards the dominant parent's gene, with momentum.

    Use it with `Pairs`: the worse member moves towards the better one and keeps something of its
    own. A member that is its own parent does not move. Continuous genes only; discrete kinds are
    left to the next strategy.

    Attributes:
        rate: Mean part of the way, 0 or more; 1 is the whole way. Each genome draws its part
            uniformly from 0 to twice the rate.
        momentum: Share of the last move that is added to the next one, 0 to below 1.
    """

    rate: float = number_field(0.5)
    momentum: float = number_field(0.5, 0.0, 0.999)

    def handle_crossbreeding(
        self,
        my_allele: AbstractAllele,
        population_alleles: Sequence[AbstractAllele],
        ancestry: Ancestry,
        context: Context,
        draw: Draws,
    ) -> AbstractAllele | None:
        """Move towards the parent."""
        parent = population_alleles[ancestry.dominant]
        if not isinstance(my_allele, ContinuousAllele) or not isinstance(parent, ContinuousAllele):
            return None
        if ancestry.dominant == context.rank:
            return my_allele
        part = 2.0 * self.rate * draw("learn")
        pull = clip_to_finite(part * parent.latent - part * my_allele.latent)
        velocity = clip_to_finite(self.momentum * my_allele.metadata.get(VELOCITY, 0.0) + pull)
        moved = my_allele.with_latent(clip_to_finite(my_allele.latent + velocity))
        return moved.with_metadata({VELOCITY: velocity})
