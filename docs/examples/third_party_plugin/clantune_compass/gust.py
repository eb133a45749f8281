"""A mutation that mostly does nothing and now and then pushes hard."""

from random import Random

import attrs
from attrs.validators import and_, ge, le

from clantune_core import AbstractAllele, AbstractMutationStrategy, ContinuousAllele


@attrs.frozen
class Gust(AbstractMutationStrategy):
    """Pushes an allele along its latent line, rarely but far.

    Attributes:
        chance: Probability that an allele is pushed, 0 to 1.
        strength: Standard deviation of a push, in units of the latent line, 0 or more.
    """

    chance: float = attrs.field(default=0.1, validator=and_(ge(0.0), le(1.0)))
    strength: float = attrs.field(default=1.0, validator=ge(0.0))

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        """Push a continuous allele; anything else is not ours and goes through as it is."""
        if not isinstance(allele, ContinuousAllele) or rng.random() >= self.chance:
            return allele
        return allele.with_latent(allele.latent + rng.gauss(0.0, self.strength))
