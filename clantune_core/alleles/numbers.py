"""The kinds of numbers. Each has a latent line on which equal steps have equal meaning."""

from __future__ import annotations

import math
import sys
from typing import Any, ClassVar, Self

import attrs

from clantune_core.alleles.base import AbstractAllele
from clantune_core.alleles.continuous import ContinuousAllele, Range
from clantune_core.alleles.kinds import allele_kind
from clantune_core.alleles.rounded import RoundedAllele


@allele_kind("float")
@attrs.frozen(repr=False)
class FloatAllele(ContinuousAllele):
    """A number on a linear scale. The latent line is the value itself."""

    widest: ClassVar[Range] = Range(-sys.float_info.max, sys.float_info.max)

    latent = AbstractAllele.value  # the same slot, because strategies read it for every node

    def to_latent(self, value: float) -> float:
        """Return the value."""
        return value

    def from_latent(self, latent: float) -> float:
        """Return the latent itself."""
        return latent

    def with_latent(self, latent: float) -> Self:
        """Return this allele with another value, which is its latent, clipped to the domain."""
        low, high = self.domain
        if type(latent) is float and low <= latent <= high:
            return self._moved(latent)  # the common case, with nothing to check
        return self.with_value(latent)


_LARGEST_LOG = math.log(sys.float_info.max)


@allele_kind("log_float")
@attrs.frozen(repr=False)
class LogFloatAllele(ContinuousAllele):
    """A positive number on a logarithmic scale, such as a learning rate. Latent: ln value."""

    widest: ClassVar[Range] = Range(sys.float_info.min, sys.float_info.max)
    _holds: ClassVar[str] = f"numbers above 0, from {widest.min} on; FloatAllele holds 0 too"

    def to_latent(self, value: float) -> float:
        """Return the natural logarithm."""
        return math.log(value)

    def from_latent(self, latent: float) -> float:
        """Return e to the power of the latent, or the largest number if that overflows."""
        return math.exp(latent) if latent < _LARGEST_LOG else sys.float_info.max


@allele_kind("logit_float")
@attrs.frozen(repr=False)
class LogitFloatAllele(ContinuousAllele):
    """A number inside (0, 1), such as a beta, a momentum or a dropout. Latent: ln(p / (1 - p)).

    From 0.9 to 0.99 is a step as large as from 0.99 to 0.999.
    """

    widest: ClassVar[Range] = Range(sys.float_info.min, math.nextafter(1.0, 0.0))
    _holds: ClassVar[str] = (
        f"numbers between 0 and 1, from {widest.min} to {widest.max}; FloatAllele holds 0 and 1 too"
    )

    def check_domain(self, domain: Any) -> Range:
        """Return the domain as a `Range`; an end at 0 or 1 means the limit of this kind."""
        if isinstance(domain, tuple | list) and len(domain) == 2:
            low, high = domain
            domain = (None if low == 0 else low, None if high == 1 else high)
        return super().check_domain(domain)

    def to_latent(self, value: float) -> float:
        """Return the logit."""
        return math.log(value) - math.log1p(-value)

    def from_latent(self, latent: float) -> float:
        """Return the logistic function of the latent."""
        if latent >= 0:
            return 1.0 / (1.0 + math.exp(-latent))
        grown = math.exp(latent)
        return grown / (1.0 + grown)


@allele_kind("int")
@attrs.frozen(repr=False)
class IntAllele(RoundedAllele):
    """A whole number. It keeps the real number before rounding, so that small steps add up."""

    # A float represents integers exactly up to here.
    widest: ClassVar[Range] = Range(-(2**53), 2**53)

    def to_latent(self, value: float) -> float:
        """Return the number."""
        return float(value)

    def from_latent(self, latent: float) -> float:
        """Return the latent itself."""
        return latent

    def round_number(self, number: float) -> int:
        """Return the nearest whole number; a half rounds to the even one."""
        return round(number)
