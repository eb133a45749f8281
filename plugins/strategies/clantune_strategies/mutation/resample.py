"""Resample: replace a value by a new draw from the domain."""

from __future__ import annotations

from random import Random

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    ContinuousAllele,
    DiscreteAllele,
)
from clantune_strategies._latent import draw_uniform
from clantune_strategies.checks import choice_field, number_field


@attrs.frozen
class Resample(AbstractMutationStrategy):
    """Draws a new value uniformly from the domain.

    Use it as PBT does, with a small probability beside smaller steps, so that every region stays
    reachable. Handles every kind. An allele whose domain is open on one side stays as it is, so
    give domains.

    Attributes:
        chance: Probability that an allele mutates, 0 to 1.
        scale: Where the draw is uniform: on the `"latent"` line, where 1e-4 to 1e-3 of an lr has
            the same probability as 1e-3 to 1e-2, or in the `"value"` itself.
    """

    chance: float = number_field(0.25, 0.0, 1.0)
    scale: str = choice_field("latent", "value")

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        """Draw a new value."""
        if rng.random() >= self.chance:
            return allele
        if isinstance(allele, ContinuousAllele):
            return draw_uniform(allele, rng, on_values=self.scale == "value")
        if isinstance(allele, DiscreteAllele):
            return allele.with_value(rng.choice(allele.choices))
        return allele
