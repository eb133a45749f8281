"""A kind of allele for directions, in which 359 degrees are next to 1 degree."""

from typing import Any, ClassVar

import attrs

from clantune_core import ContinuousAllele, Range, allele_kind


@allele_kind("angle")
@attrs.frozen(repr=False)
class AngleAllele(ContinuousAllele):
    """A direction from 0 to 360 degrees; its latent line counts degrees over several turns."""

    widest: ClassVar[Range] = Range(0.0, 360.0)

    def to_latent(self, value: float) -> float:
        """Return the degrees."""
        return value

    def from_latent(self, latent: float) -> float:
        """Return the direction within one turn."""
        return latent % 360.0

    def with_value(self, value: Any) -> "AngleAllele":
        """Return this allele with another direction, wrapped into 0 to 360 instead of clipped."""
        return super().with_value(self.from_latent(self.check_number(value)))
