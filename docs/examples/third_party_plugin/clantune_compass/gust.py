"""A mutation that acts rarely and moves far."""

from random import Random

import attrs
from attrs.validators import and_, ge, le

from clantune_core import AbstractAllele, AbstractMutationStrategy, ContinuousAllele


@attrs.frozen
class Gust(AbstractMutationStrategy):
    """Moves an allele along its latent line, rarely but far.

    Attributes:
        chance: Probability that an allele moves, 0 to 1.
        strength: Standard deviation of a move, in units of the latent line, 0 or more.
    """

    chance: float = attrs.field(default=0.1, validator=and_(ge(0.0), le(1.0)))
    strength: float = attrs.field(default=1.0, validator=ge(0.0))

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        """Move a continuous allele; return any other kind unchanged."""
        if not isinstance(allele, ContinuousAllele) or rng.random() >= self.chance:
            return allele
        return allele.with_latent(allele.latent + rng.gauss(0.0, self.strength))
