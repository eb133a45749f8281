"""Hypothesis strategies for alleles of all kinds, including kinds of third parties.

They also draw extremes: domains that are a point, touch zero or span all numbers, values at both
ends, trees of metadata.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, TypeVar, cast

import attrs
from hypothesis import strategies as st

from clantune_core.alleles import (
    AbstractAllele,
    BoolAllele,
    ContinuousAllele,
    DiscreteAllele,
    FloatAllele,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    StringAllele,
)
from clantune_core.data.plain import MAX_INTEGER_BITS
from clantune_core.errors import AlleleError, ClanTuneError
from clantune_core.testing.registered import Instances, register_alleles, registered_alleles
from clantune_core.testing.unfamiliar import OrderAllele, PowerOfTwoAllele

T = TypeVar("T")

CONTINUOUS: tuple[type[ContinuousAllele], ...] = (
    FloatAllele,
    LogFloatAllele,
    LogitFloatAllele,
    IntAllele,
    PowerOfTwoAllele,
)

EVERY_KIND: tuple[type[AbstractAllele], ...] = (
    *CONTINUOUS,
    BoolAllele,
    StringAllele,
    OrderAllele,
)

# Simple things first: hypothesis shrinks towards the left.
names = st.sampled_from(("lr", "wd", "optimizer/0/betas/1")) | st.text(
    st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=8
)
finite = st.floats(allow_nan=False, allow_infinity=False)
shares = st.sampled_from((0.0, 1.0)) | st.floats(0.0, 1.0)
numbers = st.sampled_from((0.0, 1.0, 0.5)) | st.floats(-10, 10) | st.floats(0, 1) | finite
_flags = st.sampled_from(((True, True), (True, False), (False, True), (False, False)))
_integers = st.integers(-(2**MAX_INTEGER_BITS) + 1, 2**MAX_INTEGER_BITS - 1)


@functools.cache
def plain_data() -> st.SearchStrategy[Any]:
    """Plain data, as metadata may contain it."""
    scalars = st.none() | st.booleans() | _integers | finite | names
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
        max_leaves=5,
    )


def alleles(*kinds: type[AbstractAllele], max_depth: int = 1) -> Instances:
    """Alleles of the given kinds, or of many kinds, with flags and metadata.

    The values of a continuous kind are derived from its `widest` domain, those of a discrete kind
    from the choices of its widest domain. For other kinds see `register_alleles`, and the group of
    entry points `clantune.drawn_alleles`.

    Args:
        *kinds: Kinds of the core or of a third party. If none is given: those of the core, and two
            that no strategy knows.
        max_depth: Number of levels of alleles in metadata; 0 means none.

    Raises:
        ClanTuneError: The kit cannot draw alleles of a kind.
    """
    return _alleles([_instances(kind) for kind in kinds or EVERY_KIND], max_depth)


def elsewhere(allele: AbstractAllele, share: float, drawn: AbstractAllele) -> AbstractAllele:
    """Return an allele with another value of the same domain.

    Args:
        allele: Any allele.
        share: How far along the domain a continuous or discrete value lies, 0 to 1.
        drawn: An allele of the same kind. An allele that is neither continuous nor discrete takes
            its value, if the domain contains it.
    """
    if isinstance(allele, ContinuousAllele):
        low, high = (allele.to_latent(end) for end in allele.domain)
        return allele.with_latent(low * (1 - share) + high * share)
    if isinstance(allele, DiscreteAllele):
        choices = allele.choices
        return allele.with_value(choices[min(int(share * len(choices)), len(choices) - 1)])
    try:
        return allele.with_value(drawn.value)
    except AlleleError:  # the drawn allele has another domain
        return allele


def draw_elsewhere(draw: st.DrawFn, allele: AbstractAllele) -> AbstractAllele:
    """Return an allele with another value of the same domain, drawn."""
    registered = registered_alleles(type(allele))
    drawn = allele if registered is None else draw(registered)
    return elsewhere(allele, draw(shares), drawn)


@st.composite
def _alleles(draw: st.DrawFn, instances: Sequence[Instances], max_depth: int) -> AbstractAllele:
    allele = draw(_one_of(draw, instances))
    can_mutate, can_crossbreed = draw(_flags)
    flagged = attrs.evolve(allele, can_mutate=can_mutate, can_crossbreed=can_crossbreed)
    return flagged.with_metadata(draw(_metadata(max_depth)))


def _one_of(draw: st.DrawFn, choices: Sequence[T]) -> T:
    return choices[draw(_index(len(choices)))]


@functools.cache
def _index(length: int) -> st.SearchStrategy[int]:
    return st.integers(0, length - 1)


# Strategies are cached: hypothesis validates each new one, which costs as much as a draw.
@functools.cache
def _metadata(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    plain = st.dictionaries(names, plain_data(), max_size=1)
    if depth == 0:
        return plain
    children = st.dictionaries(
        st.sampled_from(("std", "chance", "memory")), alleles(max_depth=depth - 1), max_size=2
    )
    return st.builds(lambda a, b: {**a, **b}, plain, children)


# ---- Instances of a kind, without flags and metadata ----


def _instances(kind: type[AbstractAllele]) -> Instances:
    if (registered := registered_alleles(kind)) is not None:
        return registered
    try:
        if issubclass(kind, ContinuousAllele):
            return _continuous(kind(kind.widest.min))
        if issubclass(kind, DiscreteAllele):
            # Without an instance, whose value would have to be one of these choices.
            choices = object.__new__(kind).check_domain(None)
            return st.sampled_from(choices).map(kind)
    except Exception as error:
        raise _cannot_draw(kind, f"{type(error).__name__}: {error}") from error
    raise _cannot_draw(kind, "it is neither continuous nor discrete")


def _cannot_draw(kind: type[AbstractAllele], reason: str) -> ClanTuneError:
    name = kind.__name__
    return ClanTuneError(
        f"the kit cannot derive alleles of {name}: {reason}; register how to draw them: "
        f"register_alleles({name}, st.builds({name}, ...))"
    )


@st.composite
def _continuous(draw: st.DrawFn, first: ContinuousAllele) -> AbstractAllele:
    kind, (lowest, highest) = type(first), first.widest

    def end(number: float | None, widest: float) -> float:
        if number is None:
            return widest
        latent = first.to_latent(min(max(number, lowest), highest))
        return cast("float", first.with_latent(latent).value)

    low, high = sorted((end(draw(_ends), lowest), end(draw(_ends), highest)))
    return elsewhere(kind(low, (low, high)), draw(shares), first)


_ends = numbers | st.none()  # None: the limit of the kind

_choices = st.lists(names, min_size=1, max_size=4, unique=True).map(tuple)
_steps = ("flip", "crop", "blur")

register_alleles(
    StringAllele,
    _choices.flatmap(
        lambda choices: st.sampled_from(choices).map(lambda name: StringAllele(name, choices))
    ),
)
register_alleles(
    OrderAllele,
    st.permutations(_steps).map(lambda order: OrderAllele(tuple(order), _steps)),
)
