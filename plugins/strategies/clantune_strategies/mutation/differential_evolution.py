"""Differential evolution: steps whose size and direction come from the population."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Context,
    ContinuousAllele,
    Draws,
)
from clantune_strategies._latent import clip_to_finite
from clantune_strategies.checks import number_field


@attrs.frozen
class DifferentialEvolution(AbstractMutationStrategy):
    """Adds the weighted difference between two members drawn for the offspring.

    Use it with eight members or more. The population determines the scale of each gene and the
    directions in which genes vary together, and steps shrink as it converges. Identical members
    stay identical, so list a mutation that adds noise beside it. With three members or more, this
    member is not one of the two; a population of one does not move. Continuous kinds only, on the
    latent line.

    Attributes:
        weight: Factor of the difference, 0 or more; 0.4 to 1 is usual.
        chance: Probability that an allele mutates, 0 to 1.
    """

    weight: float = number_field(0.5)
    chance: float = number_field(1.0, 0.0, 1.0)

    def handle_mutating(
        self,
        allele: AbstractAllele,
        population_alleles: Sequence[ContinuousAllele],  # of the same kind as this allele
        context: Context,
        rng: Random,
        draw: Draws,
    ) -> AbstractAllele:
        """Add the difference."""
        if not isinstance(allele, ContinuousAllele) or context.population_size < 2:
            return allele
        if rng.random() >= self.chance:
            return allele
        one, other = (population_alleles[rank] for rank in _draw_two(context, draw))
        step = clip_to_finite(self.weight * clip_to_finite(one.latent - other.latent))
        return allele.with_latent(clip_to_finite(allele.latent + step))


def _draw_two(context: Context, draw: Draws) -> tuple[int, int]:
    """Draw the ranks of two members, the same for all genes."""
    size = context.population_size
    me, others = (context.rank, size - 1) if size > 2 else (size, size)
    first = int(draw("first of a difference") * others)
    second = int(draw("second of a difference") * (others - 1))
    second += second >= first
    return first + (first >= me), second + (second >= me)
