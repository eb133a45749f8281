"""Other choices, for alleles that have no line to move along."""

from __future__ import annotations

from random import Random

import attrs

from clantune_core import AbstractAllele, AbstractMutationStrategy, BoolAllele, DiscreteAllele
from clantune_strategies._checks import number


@attrs.frozen
class Flip(AbstractMutationStrategy):
    """Turns a flag over.

    Use it beside a mutation of numbers, which leaves flags alone. Handles `BoolAllele` only.

    Attributes:
        chance: Probability that a flag is turned, 0 to 1.
    """

    chance: float = number(0.1, 0.0, 1.0)

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        """Turn it."""
        return _another(allele, self.chance, rng) if isinstance(allele, BoolAllele) else allele


@attrs.frozen
class Choose(AbstractMutationStrategy):
    """Takes another choice, each of the others as likely as any, never the same one.

    Use it for names whose order means nothing; `Perturb` moves to a neighbour. Handles every
    discrete kind, flags among them.

    Attributes:
        chance: Probability that an allele mutates, 0 to 1.
    """

    chance: float = number(0.1, 0.0, 1.0)

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        """Choose."""
        return _another(allele, self.chance, rng) if isinstance(allele, DiscreteAllele) else allele


def _another(allele: DiscreteAllele, chance: float, rng: Random) -> DiscreteAllele:
    if rng.random() >= chance:
        return allele
    others = [choice for choice in allele.choices if choice != allele.value]
    return allele.with_value(rng.choice(others)) if others else allele
