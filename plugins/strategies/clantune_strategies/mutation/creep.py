"""Creep: whole steps for whole numbers."""

from __future__ import annotations

from random import Random

import attrs

from clantune_core import AbstractAllele, AbstractMutationStrategy, IntAllele
from clantune_strategies._checks import number


@attrs.frozen
class Creep(AbstractMutationStrategy):
    """Moves a whole number up or down by a few.

    Use it for small counts, such as layers or steps of accumulation, where each number is a case of
    its own. Handles `IntAllele` only. A move across an end of the domain stops there.

    Attributes:
        step: It moves by 1 to this many, each way and each length as likely as any other.
        chance: Probability that an allele mutates, 0 to 1.
    """

    step: int = number(1, 1)
    chance: float = number(0.5, 0.0, 1.0)

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        """Move."""
        if not isinstance(allele, IntAllele) or rng.random() >= self.chance:
            return allele
        move = rng.randint(1, self.step)
        return allele.with_value(allele.value + (move if rng.random() < 0.5 else -move))
