"""Creep: integer steps for integers."""

from __future__ import annotations

from random import Random

import attrs

from clantune_core import AbstractAllele, AbstractMutationStrategy, IntAllele
from clantune_strategies.checks import integer_field, number_field


@attrs.frozen
class Creep(AbstractMutationStrategy):
    """Moves an integer up or down by a few.

    Use it for small counts, such as gradient accumulation steps, where each number differs
    noticeably from the next. Handles `IntAllele` only. A move past an end of the domain stops
    there.

    Attributes:
        step: Largest move, 1 or more. Each length from 1 to `step` and each direction has equal
            probability.
        chance: Probability that an allele mutates, 0 to 1.
    """

    step: int = integer_field(1)
    chance: float = number_field(0.5, 0.0, 1.0)

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        """Move the integer."""
        if not isinstance(allele, IntAllele) or rng.random() >= self.chance:
            return allele
        move = rng.randint(1, self.step)
        return allele.with_value(allele.value + (move if rng.random() < 0.5 else -move))
