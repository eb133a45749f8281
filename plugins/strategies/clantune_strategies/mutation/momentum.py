"""Momentum: continue in the direction in which a lineage has moved."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Ancestry,
    Context,
    ContinuousAllele,
)
from clantune_strategies._latent import clip_to_finite
from clantune_strategies.checks import number_field

_VELOCITY = "momentum/velocity"
_FROM = "momentum/from"


@attrs.frozen
class Momentum(AbstractMutationStrategy):
    """Moves a gene further in the direction in which its lineage has moved.

    Use it before a mutation that adds noise, if the optimum is far from the start or moves during
    the run: selection chooses a direction and momentum continues in it. The velocity is a running
    mean of the moves on the latent line, from dominant parent to dominant parent. Continuous genes
    only; alleles in their metadata do not move.

    Attributes:
        strength: Share of the velocity that is added, 0 to 1. At 1 a lineage would never slow down.
        decay: Share of the old velocity that is kept when a move is added to the mean, 0 to 1.
    """

    strength: float = number_field(0.5, 0.0, 1.0)
    decay: float = number_field(0.7, 0.0, 1.0)

    def handle_mutating(
        self,
        allele: AbstractAllele,
        population_alleles: Sequence[ContinuousAllele],  # of the same kind as this allele
        ancestry: Ancestry | None,
        context: Context,
    ) -> AbstractAllele:
        """Add a share of the velocity, and store what the next generation needs."""
        if not isinstance(allele, ContinuousAllele) or context.path:
            return allele
        parent = allele if ancestry is None else population_alleles[ancestry.dominant]
        here = parent.latent
        last_move = clip_to_finite(here - parent.metadata.get(_FROM, here))
        velocity = parent.metadata.get(_VELOCITY, 0.0)
        velocity = self.decay * velocity + (1.0 - self.decay) * last_move
        moved = allele.with_latent(clip_to_finite(allele.latent + self.strength * velocity))
        return moved.with_metadata({_VELOCITY: velocity, _FROM: here})
