"""The continuous family: kinds with a metric, an interval for a domain, and a latent line."""

from __future__ import annotations

import abc
import functools
import math
import numbers
import sys
from typing import Any, ClassVar, NamedTuple, Self

from clantune_core.alleles.base import AbstractAllele
from clantune_core.errors import AlleleError, shown


class Range(NamedTuple):
    """The domain of a continuous kind: a closed interval."""

    min: float
    max: float

    def __str__(self) -> str:
        low = "-∞" if self.min == -sys.float_info.max else _exactly(self.min)
        high = "∞" if self.max == sys.float_info.max else _exactly(self.max)
        return f"{low} .. {high}"


@functools.lru_cache(maxsize=4096, typed=True)
def _shared_range(low: float, high: float) -> Range:
    """Return one object for equal domains, because each member reads its genes from JSON."""
    # Without the sign of a zero: the cache does not distinguish -0.0 from 0.0.
    return Range(low or abs(low), high or abs(high))


def _exactly(number: float) -> str:
    short = f"{number:.6g}"
    return short if float(short) == number else repr(number)


class ContinuousAllele(AbstractAllele):
    """A family: values on a line, with a metric. Abstract: use one of its kinds."""

    __slots__ = ()

    widest: ClassVar[Range]
    """The widest domain of the kind; every concrete kind sets it."""

    _holds: ClassVar[str] = ""
    """The widest domain in words, for a kind whose limits are hard to read as numbers."""

    @abc.abstractmethod
    def to_latent(self, value: float) -> float:
        """Return the latent of a number, which lies in the widest domain."""

    @abc.abstractmethod
    def from_latent(self, latent: float) -> float:
        """Return the number at a point of the latent line, inside or outside the domain.

        If it raises an `OverflowError`, the allele moves to the end of the domain in the direction
        of the move.
        """

    @property
    def latent(self) -> float:
        """The point of this allele on its latent line, where equal steps have equal meaning."""
        return self.to_latent(self.value)

    @property
    def unrounded(self) -> float:
        """The number before rounding: the value, except for a `RoundedAllele`."""
        number: float = self.value
        return number

    def distance(self, other: Self) -> float:
        """Return how far apart two alleles of one gene are: the difference of their latents."""
        return abs(self.latent - other.latent)

    def with_latent(self, latent: float) -> Self:
        """Return this allele moved along its latent line, clipped to the domain."""
        if latent == self.latent:  # exp(log(x)) may differ from x in the last bit
            return self
        return self._moved(self.check_number(self._number_at(latent)))

    def _number_at(self, latent: float) -> float:
        """Return the number at a point of the latent line, clipped to the domain."""
        if not math.isfinite(latent):
            raise AlleleError(
                f"the latent of {type(self).__name__} must be a finite number; got {latent}"
            )
        try:
            number = self.from_latent(latent)
        except OverflowError:
            number = math.copysign(math.inf, latent - self.latent)
        return self.clip(number)

    def with_value(self, value: Any) -> Self:
        """Return this allele with another value, clipped to the domain."""
        return self._moved(self.clip(self.check_number(value)))

    def check_value(self, value: Any) -> Any:
        """Return the value as a number of this kind, inside the domain."""
        number = self.check_number(value)
        if not self.widest.min <= number <= self.widest.max:
            raise self._impossible(shown(value))
        if not self.domain.min <= number <= self.domain.max:
            raise AlleleError(
                f"{shown(value)} is outside the domain {self.domain} of this "
                f"{type(self).__name__}; give a value inside, or a wider domain"
            )
        return number

    def check_domain(self, domain: Any) -> Range:
        """Return the domain as a `Range`; None for an end means the limit of this kind."""
        widest = self.widest
        if domain is None:
            return widest
        if not isinstance(domain, tuple | list) or len(domain) != 2:
            raise AlleleError(
                f"a domain of {type(self).__name__} must be (min, max); got {shown(domain)}"
            )
        low, high = (
            limit if end is None else self.check_number(end)
            for end, limit in zip(domain, widest, strict=True)
        )
        made = _shared_range(low, high)
        if low > high:
            raise AlleleError(
                f"the domain {made} of {type(self).__name__} is empty; give (min, max), the "
                "smaller number first"
            )
        if low < widest.min or high > widest.max:
            raise self._impossible(f"the domain {made}")
        return made

    def _impossible(self, what: str) -> AlleleError:
        holds = self._holds or f"numbers in {self.widest}"
        return AlleleError(f"{what} is not possible for {type(self).__name__}, which holds {holds}")

    def check_number(self, value: object) -> float:
        """Return a number, inside or outside the domain, in the type of this kind's values.

        Raises:
            AlleleError: It is not a number, or not finite.
        """
        if type(value) is not float:
            if isinstance(value, bool) or not isinstance(value, numbers.Real):
                raise AlleleError(f"{type(self).__name__} holds a number; got {shown(value)}")
            try:
                value = float(value)
            except OverflowError:
                raise AlleleError(f"the number is too large for {type(self).__name__}") from None
        if not math.isfinite(value):
            raise AlleleError(f"{type(self).__name__} holds a finite number; got {value}")
        return value

    def clip(self, value: float) -> float:
        """Return the nearest number in the domain."""
        low, high = self.domain
        nearest: float = low if value < low else high if value > high else value  # noqa: FURB136
        return nearest
