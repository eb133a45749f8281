"""Differential evolution: the population itself says how far to go, and in which direction."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Context,
    ContinuousAllele,
    Once,
)
from clantune_strategies._checks import number
from clantune_strategies._latent import finite


@attrs.frozen
class DifferentialEvolution(AbstractMutationStrategy):
    """Adds the difference between two members, drawn for the offspring, times a weight.

    Use it with eight members or more: steps get the scale of each gene and the directions in which
    genes go together from the population, and shrink as it agrees. Members that are alike stay
    alike, so list a mutation that adds noise beside it. Neither of the two is this member where
    there are three or more; alone it does nothing. Continuous kinds only, on the latent line.

    Attributes:
        weight: What the difference is multiplied by, 0 or more; 0.4 to 1 is usual.
        chance: Probability that an allele mutates, 0 to 1.
    """

    weight: float = number(0.5)
    chance: float = number(1.0, 0.0, 1.0)

    def handle_mutating(
        self,
        allele: AbstractAllele,
        population_alleles: Sequence[ContinuousAllele],  # where this one is: they are of one kind
        context: Context,
        rng: Random,
        once: Once,
    ) -> AbstractAllele:
        """Add the difference."""
        if not isinstance(allele, ContinuousAllele) or context.population_size < 2:
            return allele
        if rng.random() >= self.chance:
            return allele
        one, other = (population_alleles[rank] for rank in _two_others(context, once))
        step = finite(self.weight * finite(one.latent - other.latent))
        return allele.with_latent(finite(allele.latent + step))


def _two_others(context: Context, once: Once) -> tuple[int, int]:
    """Return the ranks of two members, the same for all genes."""
    size = context.population_size
    me, others = (context.rank, size - 1) if size > 2 else (size, size)
    first = int(once("first of a difference") * others)
    second = int(once("second of a difference") * (others - 1))
    second += second >= first
    return first + (first >= me), second + (second >= me)
