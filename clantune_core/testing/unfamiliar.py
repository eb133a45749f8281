"""Kinds that only the kit draws. A strategy must handle alleles of kinds that it does not know."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Self

import attrs

from clantune_core.alleles import AbstractAllele, Range, RoundedAllele, allele_kind
from clantune_core.errors import AlleleError, shown


@allele_kind("testing_power_of_two")
@attrs.frozen(repr=False)
class PowerOfTwoAllele(RoundedAllele):
    """A power of two: continuous, and rounded. Latent: the binary logarithm."""

    widest: ClassVar[Range] = Range(1, 2**20)

    def to_latent(self, value: float) -> float:
        """Return the binary logarithm."""
        return math.log2(value)

    def from_latent(self, latent: float) -> float:
        """Return 2 to the power of the latent."""
        return math.exp2(latent)

    def round_number(self, number: float) -> int:
        """Return the power of two with the nearest logarithm."""
        return 1 << round(math.log2(number))


@allele_kind("testing_order")
@attrs.frozen(repr=False)
class OrderAllele(AbstractAllele):
    """An order of names: neither continuous nor discrete. The domain is the names."""

    def check_domain(self, domain: Any) -> tuple[str, ...]:
        """Return the names."""
        if not isinstance(domain, tuple | list) or not all(isinstance(n, str) for n in domain):
            raise AlleleError(
                f"the domain of OrderAllele must be a tuple of names; got {shown(domain)}"
            )
        return tuple(domain)

    def check_value(self, value: Any) -> tuple[str, ...]:
        """Return the order as a tuple."""
        if not isinstance(value, tuple | list) or sorted(map(str, value)) != sorted(self.domain):
            raise AlleleError(f"{shown(value)} is not an order of {self.domain}")
        return tuple(value)

    def with_value(self, value: Any) -> Self:
        """Return this allele with another order."""
        return attrs.evolve(self, value=value)
