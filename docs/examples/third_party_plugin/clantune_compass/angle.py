"""A kind of allele that the core lacks: a direction, where 359 degrees lie next to 1."""

from typing import Any, ClassVar

import attrs

from clantune_core import ContinuousAllele, Range, allele_kind


@allele_kind("angle")
@attrs.frozen(repr=False)
class AngleAllele(ContinuousAllele):
    """Degrees from 0 up to 360, which is 0 again. Latent: degrees, any number of turns."""

    widest: ClassVar[Range] = Range(0.0, 360.0)

    def to_latent(self, value: float) -> float:
        """Return the degrees."""
        return value

    def from_latent(self, latent: float) -> float:
        """Return the direction after any number of turns."""
        return latent % 360.0

    def with_value(self, value: Any) -> "AngleAllele":
        """Return this allele in another direction, turned into 0 to 360 rather than clipped."""
        return super().with_value(self.from_latent(self.check_number(value)))
