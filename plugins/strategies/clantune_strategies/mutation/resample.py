"""Resample: forget a value, and draw another one from the domain."""

from __future__ import annotations

from random import Random

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    ContinuousAllele,
    DiscreteAllele,
)
from clantune_strategies._checks import number, one_of
from clantune_strategies._latent import uniform


@attrs.frozen
class Resample(AbstractMutationStrategy):
    """Draws a value afresh from the domain, each as likely as any other.

    Use it as PBT does, now and then beside smaller steps, so that no region is out of reach.
    Handles every kind; an allele stays as it is if its domain is open on a side, so give domains.

    Attributes:
        chance: Probability that an allele mutates, 0 to 1.
        scale: What is uniform: places on the `"latent"` line, where 1e-4 to 1e-3 of an lr are as
            likely as 1e-3 to 1e-2, or the `"value"` itself.
    """

    chance: float = number(0.25, 0.0, 1.0)
    scale: str = one_of("latent", "value")

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        """Draw afresh."""
        if rng.random() >= self.chance:
            return allele
        if isinstance(allele, ContinuousAllele):
            return uniform(allele, rng, on_values=self.scale == "value")
        if isinstance(allele, DiscreteAllele):
            return allele.with_value(rng.choice(allele.choices))
        return allele
