"""Mutations of discrete alleles: another flag, another choice."""

from __future__ import annotations

from random import Random

import attrs

from clantune_core import AbstractAllele, AbstractMutationStrategy, BoolAllele, DiscreteAllele
from clantune_strategies.checks import number_field


@attrs.frozen
class Flip(AbstractMutationStrategy):
    """Inverts a flag.

    Use it beside a mutation of numbers, which leaves flags as they are. Handles `BoolAllele` only.

    Attributes:
        chance: Probability that a flag is inverted, 0 to 1.
    """

    chance: float = number_field(0.1, 0.0, 1.0)

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        """Invert a flag."""
        return _another(allele, self.chance, rng) if isinstance(allele, BoolAllele) else allele


@attrs.frozen
class Choose(AbstractMutationStrategy):
    """Draws one of the other choices, all with equal probability.

    Use it for names without an order; `Perturb` moves to a neighbouring choice. Handles every
    discrete kind, including flags.

    Attributes:
        chance: Probability that an allele mutates, 0 to 1.
    """

    chance: float = number_field(0.1, 0.0, 1.0)

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        """Draw another choice."""
        return _another(allele, self.chance, rng) if isinstance(allele, DiscreteAllele) else allele


def _another(allele: DiscreteAllele, chance: float, rng: Random) -> DiscreteAllele:
    if rng.random() >= chance:
        return allele
    others = [choice for choice in allele.choices if choice != allele.value]
    return allele.with_value(rng.choice(others)) if others else allele
