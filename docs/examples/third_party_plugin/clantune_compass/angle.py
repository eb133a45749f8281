"""A kind of allele for directions, in which 359 degrees are next to 1 degree."""

import math
from typing import Any, ClassVar, Self

import attrs

from clantune_core import ContinuousAllele, Range, allele_kind


@allele_kind("angle")
@attrs.frozen(repr=False)
class AngleAllele(ContinuousAllele):
    """A direction in degrees; its latent line counts degrees over several turns.

    Only the whole circle wraps around: a direction in a part of it stops at the ends.
    """

    widest: ClassVar[Range] = Range(0.0, math.nextafter(360.0, 0.0))

    def to_latent(self, value: float) -> float:
        """Return the degrees."""
        return value

    def from_latent(self, latent: float) -> float:
        """Return the direction within one turn."""
        return latent % 360.0 if self.domain == self.widest else latent

    def with_value(self, value: Any) -> Self:
        """Return this allele with another direction, wrapped into one turn instead of clipped."""
        return super().with_value(self.from_latent(self.check_number(value)))

    def distance(self, other: Self) -> float:
        """Return the smaller angle between two directions."""
        apart = super().distance(other)
        return min(apart, 360.0 - apart)
