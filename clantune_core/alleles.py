"""The kinds of alleles. A kind is a family (continuous or discrete), a type and a domain.

Every continuous kind offers one latent real line: a strategy that adds noise to `latent` is right
for all of them, also for those of third parties. Discrete kinds offer `choices`.
"""

from __future__ import annotations

import abc
import math
import numbers
import sys
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

import attrs

from clantune_core._allele import NO_METADATA, AbstractAllele, Metadata
from clantune_core._frozen import freeze_text
from clantune_core.errors import AlleleError, shown

__all__ = [
    "NO_METADATA",
    "AbstractAllele",
    "BoolAllele",
    "ContinuousAllele",
    "DiscreteAllele",
    "FloatAllele",
    "IntAllele",
    "LogFloatAllele",
    "LogitFloatAllele",
    "Metadata",
    "Range",
    "StringAllele",
    "allele_kind",
    "registered_kinds",
]

A = TypeVar("A", bound=type[AbstractAllele])

_KINDS: dict[str, type[AbstractAllele]] = {}


def allele_kind(tag: str) -> Callable[[A], A]:
    """Register a class as the kind called `tag` in saved data.

    A package that publishes a kind also names it in the entry-point group `clantune.alleles`, so
    that data can be read before the package was imported.
    """

    def register(kind: A) -> A:
        known = _KINDS.get(tag)
        if known is not None and (known.__module__, known.__qualname__) != (
            kind.__module__,
            kind.__qualname__,
        ):
            raise AlleleError(
                f"two kinds of allele are called {tag!r}: {known.__module__}.{known.__qualname__} "
                f"and {kind.__module__}.{kind.__qualname__}; rename one"
            )
        kind.kind = tag
        _KINDS[tag] = kind
        return kind

    return register


def registered_kinds() -> dict[str, type[AbstractAllele]]:
    """Return the kinds registered so far, by tag."""
    return dict(_KINDS)


class Range(NamedTuple):
    """The domain of a continuous kind: a closed interval."""

    min: float
    max: float

    def __str__(self) -> str:
        low = "-∞" if self.min == -sys.float_info.max else _exactly(self.min)
        high = "∞" if self.max == sys.float_info.max else _exactly(self.max)
        return f"{low} .. {high}"


def _exactly(number: float) -> str:
    short = f"{number:.6g}"
    return short if float(short) == number else repr(number)


class ContinuousAllele(AbstractAllele):
    """A family: values on a line, with a metric. Abstract: use one of its kinds."""

    __slots__ = ()

    widest: ClassVar[Range]
    """The widest domain of the kind; every concrete kind sets it."""

    @abc.abstractmethod
    def to_latent(self, value: float) -> float:
        """Return where on the latent line a value lies."""

    @abc.abstractmethod
    def from_latent(self, latent: float) -> float:
        """Return the value at a place of the latent line, in or out of the domain."""

    @property
    def latent(self) -> float:
        """Where this allele lies on its latent line, a real number of steps of equal meaning."""
        return self.to_latent(self.value)

    def with_latent(self, latent: float) -> Self:
        """Return this allele moved along its latent line, clipped to the domain."""
        if latent == self.latent:  # exactly, where exp(log(x)) is off by a bit
            return self
        if not math.isfinite(latent):
            raise AlleleError(f"the latent value {latent} is not a finite number")
        return self._replace(value=self._number(self._clip(self.from_latent(latent))))

    def with_value(self, value: Any) -> Self:
        """Return this allele with another value, clipped to the domain."""
        return self._replace(value=self._clip(self._number(value)))

    def check_value(self, value: Any) -> Any:
        """Return the value as a number of this kind, inside the domain."""
        number = self._number(value)
        if not self.domain.min <= number <= self.domain.max:
            raise AlleleError(
                f"{shown(value)} is outside the domain {self.domain} of this "
                f"{type(self).__name__}; give a value inside, or a wider domain"
            )
        return number

    def check_domain(self, domain: Any) -> Range:
        """Return the domain as a `Range`; None on either side means as far as this kind goes."""
        widest = self.widest
        if domain is None:
            return widest
        if not isinstance(domain, tuple | list) or len(domain) != 2:
            raise AlleleError(
                f"a domain of {type(self).__name__} is (min, max); got {shown(domain)}"
            )
        low, high = (
            limit if end is None else self._number(end)
            for end, limit in zip(domain, widest, strict=True)
        )
        if not widest.min <= low <= high <= widest.max:
            raise AlleleError(
                f"the domain {Range(low, high)} is not possible for {type(self).__name__}: "
                f"min and max are in order and inside {widest}"
            )
        return Range(low, high)

    def _number(self, value: object) -> float:
        if type(value) is not float:
            if isinstance(value, bool) or not isinstance(value, numbers.Real):
                raise AlleleError(f"{type(self).__name__} holds a number; got {shown(value)}")
            try:
                value = float(value)
            except OverflowError:
                raise AlleleError(f"{type(self).__name__} cannot hold so large a number") from None
        if not math.isfinite(value):
            raise AlleleError(f"{type(self).__name__} holds a finite number; got {value}")
        return value

    def _clip(self, value: float) -> float:
        low: float = self.domain[0]
        high: float = self.domain[1]
        return low if value < low else min(value, high)


@allele_kind("float")
@attrs.frozen(repr=False)
class FloatAllele(ContinuousAllele):
    """A number on a linear scale. The latent line is the value itself."""

    widest: ClassVar[Range] = Range(-sys.float_info.max, sys.float_info.max)

    def to_latent(self, value: float) -> float:
        """Return the value."""
        return value

    def from_latent(self, latent: float) -> float:
        """Return the place itself."""
        return latent


_LARGEST_LOG = math.log(sys.float_info.max)


@allele_kind("log_float")
@attrs.frozen(repr=False)
class LogFloatAllele(ContinuousAllele):
    """A positive number on a logarithmic scale, such as a learning rate. Latent: ln value."""

    widest: ClassVar[Range] = Range(sys.float_info.min, sys.float_info.max)

    def to_latent(self, value: float) -> float:
        """Return the natural logarithm."""
        return math.log(value)

    def from_latent(self, latent: float) -> float:
        """Return e to the power of the place, or the largest number if that overflows."""
        return math.exp(latent) if latent < _LARGEST_LOG else sys.float_info.max


@allele_kind("logit_float")
@attrs.frozen(repr=False)
class LogitFloatAllele(ContinuousAllele):
    """A number inside (0, 1), such as a beta, a momentum or a dropout. Latent: ln(p / (1 - p)).

    From 0.9 to 0.99 is a step as large as from 0.99 to 0.999.
    """

    widest: ClassVar[Range] = Range(sys.float_info.min, math.nextafter(1.0, 0.0))

    def check_domain(self, domain: Any) -> Range:
        """Return the domain as a `Range`; an end at 0 or 1 means as far as this kind goes."""
        if isinstance(domain, tuple | list) and len(domain) == 2:
            low, high = domain
            domain = (None if low == 0 else low, None if high == 1 else high)
        return super().check_domain(domain)

    def to_latent(self, value: float) -> float:
        """Return the logit."""
        return math.log(value) - math.log1p(-value)

    def from_latent(self, latent: float) -> float:
        """Return the logistic function of the place."""
        if latent >= 0:
            return 1.0 / (1.0 + math.exp(-latent))
        grown = math.exp(latent)
        return grown / (1.0 + grown)


@allele_kind("int")
@attrs.frozen(repr=False)
class IntAllele(ContinuousAllele):
    """A whole number, with a real one behind it so that small steps add up.

    Attributes:
        position: The real number behind the value, which is the nearest whole one; None if they
            are the same.
    """

    position: float | None = attrs.field(default=None, kw_only=True)

    # A float is exact up to here, so the value and the number behind it never disagree.
    widest: ClassVar[Range] = Range(-(2**53), 2**53)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.position is None:
            return
        position = super()._number(self.position)
        if round(position) != self.value or self._clip(position) != position:
            raise AlleleError(
                f"position {position!r} does not round to {self.value!r} within {self.domain}"
            )
        # One form for one allele: no position where it says nothing.
        object.__setattr__(self, "position", None if position == self.value else position)

    @property
    def latent(self) -> float:
        """The real number behind the value."""
        return float(self.value) if self.position is None else self.position

    def with_latent(self, latent: float) -> Self:
        """Return this allele moved to a real number, clipped to the domain; the value rounds it."""
        position = self._clip(super()._number(latent))
        value = round(position)
        return self._replace(value=value, position=None if position == value else position)

    def with_value(self, value: Any) -> Self:
        """Return this allele with another number, rounded and clipped to the domain."""
        return self.with_latent(super()._number(value))

    def to_latent(self, value: float) -> float:
        """Return the value."""
        return float(value)

    def from_latent(self, latent: float) -> float:
        """Return the nearest whole number, as rounding halves to even gives it."""
        return round(latent)

    def _number(self, value: object) -> int:
        number = super()._number(value)
        if not number.is_integer():
            raise AlleleError(f"{type(self).__name__} holds a whole number; got {shown(value)}")
        return int(number)


class DiscreteAllele(AbstractAllele):
    """A family: one of several choices, with no metric. Abstract: use one of its kinds."""

    __slots__ = ()

    @property
    def choices(self) -> tuple[Any, ...]:
        """All values that this allele may take, in the order of its domain."""
        return tuple(self.domain)

    def with_value(self, value: Any) -> Self:
        """Return this allele with another of its choices."""
        return self._replace(value=self.check_value(value))

    def check_value(self, value: Any) -> Any:
        """Return the choice that equals the value."""
        for choice in self.domain:
            if isinstance(value, type(choice)) and choice == value:  # 1 is not True here
                return choice
        raise AlleleError(
            f"{shown(value)} is not among the choices {shown([*self.domain], 400)} of this "
            f"{type(self).__name__}"
        )


@allele_kind("bool")
@attrs.frozen(repr=False)
class BoolAllele(DiscreteAllele):
    """A flag."""

    def check_domain(self, domain: Any) -> tuple[bool, ...]:
        """Return the choices: both, unless the domain leaves one out."""
        if domain is None:
            return (False, True)
        return _distinct(domain, bool)


@allele_kind("string")
@attrs.frozen(repr=False)
class StringAllele(DiscreteAllele):
    """One of several names."""

    def check_domain(self, domain: Any) -> tuple[str, ...]:
        """Return the choices, which this kind needs."""
        if domain is None:
            raise AlleleError('StringAllele needs its choices: domain=("cosine", "linear", ...)')
        return tuple(freeze_text(choice, "domain") for choice in _distinct(domain, str))


def _distinct(domain: object, wanted: type) -> tuple[Any, ...]:
    if (
        isinstance(domain, tuple | list)
        and domain
        and all(isinstance(choice, wanted) for choice in domain)
        and len(set(domain)) == len(domain)
    ):
        return tuple(domain)
    raise AlleleError(
        f"a domain of choices is a tuple of distinct {wanted.__name__}; got {shown(domain)}"
    )
