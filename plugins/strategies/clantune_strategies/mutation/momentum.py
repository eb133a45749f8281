"""Momentum: what went well is gone on with."""

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
from clantune_strategies._checks import number
from clantune_strategies._latent import finite

_VELOCITY = "momentum/velocity"
_FROM = "momentum/from"


@attrs.frozen
class Momentum(AbstractMutationStrategy):
    """Moves a gene on in the direction in which its lineage has been moving.

    Use it before a mutation that adds noise, where the best value lies far from the start or moves
    during the run: selection picks the direction, momentum keeps it. The velocity is a running mean
    of the moves, on the latent line, from dominant parent to dominant parent. Continuous genes
    only; what is learned in their metadata stays.

    Attributes:
        strength: How much of the velocity is added, 0 to 1; at 1 a lineage would never slow down.
        decay: How much of the old velocity stays when a move is added to the mean, 0 to 1.
    """

    strength: float = number(0.5, 0.0, 1.0)
    decay: float = number(0.7, 0.0, 1.0)

    def handle_mutating(
        self,
        allele: AbstractAllele,
        population_alleles: Sequence[ContinuousAllele],  # where this one is: they are of one kind
        ancestry: Ancestry | None,
        context: Context,
    ) -> AbstractAllele:
        """Move on, and write down what the next generation needs."""
        if not isinstance(allele, ContinuousAllele) or context.path:
            return allele
        parent = allele if ancestry is None else population_alleles[ancestry.dominant]
        here = parent.latent
        last_move = finite(here - parent.metadata.get(_FROM, here))
        velocity = parent.metadata.get(_VELOCITY, 0.0)
        velocity = self.decay * velocity + (1.0 - self.decay) * last_move
        moved = allele.with_latent(finite(allele.latent + self.strength * velocity))
        return moved.with_metadata({_VELOCITY: velocity, _FROM: here})
