"""Kinds of numbers without a known scale: a step is relative far from zero, absolute around it."""

from __future__ import annotations

import math
import sys
from typing import Any, ClassVar

import attrs

from clantune_core import AlleleError, ContinuousAllele, Range, RoundedAllele, allele_kind

WIDE = sys.float_info.max / 4
"""The largest number of `SymlogFloatAllele`. Differences of two such numbers are finite."""

_LARGEST = 700.0
"""A latent above which `sinh` may overflow, and equals half of `exp` exactly."""


@allele_kind("symlog_float")
@attrs.frozen(repr=False)
class SymlogFloatAllele(ContinuousAllele):
    """Any number. Latent: asinh((value - origin) / unit).

    Zero is not absorbing, and negative numbers move like positive ones.

    Attributes:
        origin: The value in whose surroundings steps are the smallest.
        unit: Distance from the origin, above 0, within which steps are about equal. Beyond it they
            grow with the distance.
    """

    origin: float = attrs.field(default=0.0, kw_only=True)
    unit: float = attrs.field(default=1.0, kw_only=True)

    widest: ClassVar[Range] = Range(-WIDE, WIDE)
    _holds: ClassVar[str] = f"numbers from {-WIDE:.6g} to {WIDE:.6g}"

    def __attrs_post_init__(self) -> None:
        _check_scale(self)
        super().__attrs_post_init__()

    def to_latent(self, value: float) -> float:
        """Return the inverse hyperbolic sine of the distance from the origin, in units."""
        return _to_latent(value, self.origin, self.unit)

    def from_latent(self, latent: float) -> float:
        """Return the number whose distance from the origin has this latent."""
        return _from_latent(latent, self.origin, self.unit)


@allele_kind("symlog_int")
@attrs.frozen(repr=False)
class SymlogIntAllele(RoundedAllele):
    """A whole number with the latent line of `SymlogFloatAllele`. Small steps add up.

    Attributes:
        origin: The number in whose surroundings steps are the smallest.
        unit: Distance from the origin, above 0, within which steps are about equal.
    """

    origin: float = attrs.field(default=0.0, kw_only=True)
    unit: float = attrs.field(default=1.0, kw_only=True)

    widest: ClassVar[Range] = Range(-(2**53), 2**53)  # a float represents integers up to here

    def __attrs_post_init__(self) -> None:
        _check_scale(self)
        super().__attrs_post_init__()

    def to_latent(self, value: float) -> float:
        """Return the inverse hyperbolic sine of the distance from the origin, in units."""
        return _to_latent(value, self.origin, self.unit)

    def from_latent(self, latent: float) -> float:
        """Return the number before rounding whose distance from the origin has this latent."""
        return _from_latent(latent, self.origin, self.unit)

    def round_number(self, number: float) -> int:
        """Return the nearest whole number; a half rounds to the even one."""
        return round(number)


def symlog(
    value: float, domain: tuple[Any, Any] | None, unit: float | None, *, whole: bool
) -> SymlogFloatAllele | SymlogIntAllele:
    """Return an allele whose scale follows from its value and domain.

    Args:
        value: The value.
        domain: Smallest and largest value; None for an end that is open.
        unit: Distance within which steps are about equal. If None: a quarter of the width of a
            closed domain, and otherwise the size of the value.
        whole: Whether it is a whole number; its unit is 2 at least, so that 0 and 1 move.

    Raises:
        AlleleError: The value, domain or unit is not possible.
    """
    kind: Any = SymlogIntAllele if whole else SymlogFloatAllele
    low, high = kind(value, domain).domain
    closed = domain is not None and None not in domain
    if unit is None:
        size = (high - low) / 4 if closed else abs(value)
        unit = max(float(size), 2.0) if whole else size or 1.0
    made: SymlogFloatAllele | SymlogIntAllele = kind(
        value, domain, origin=(low + high) / 2 if closed else 0.0, unit=unit
    )
    return made


def _check_scale(allele: SymlogFloatAllele | SymlogIntAllele) -> None:
    """Make origin and unit floats."""
    for field in ("origin", "unit"):
        given = getattr(allele, field)
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise AlleleError(f"the {field} must be a number; got {given!r}")
        if not -WIDE <= given <= WIDE or (field == "unit" and given <= 0):
            limits = "above 0" if field == "unit" else f"from {-WIDE:.6g}"
            raise AlleleError(f"the {field} must be {limits} and up to {WIDE:.6g}; got {given}")
        object.__setattr__(allele, field, float(given))


def _to_latent(value: float, origin: float, unit: float) -> float:
    distance = value - origin
    scaled = distance / unit
    if math.isfinite(scaled):
        return math.asinh(scaled)
    size = math.log(abs(distance)) - math.log(unit) + math.log(2.0)
    return math.copysign(size, distance)


def _from_latent(latent: float, origin: float, unit: float) -> float:
    if abs(latent) < _LARGEST:
        return origin + unit * math.sinh(latent)
    size = math.exp(abs(latent) - math.log(2.0) + math.log(unit))
    return origin + math.copysign(size, latent)
