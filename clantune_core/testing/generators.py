"""Hypothesis strategies for alleles, genomes and populations: what the laws are tried on.

They make what a run may hold, extremes among them: domains that are a point, touch zero or span
all numbers, values at both ends, trees of metadata, fitnesses that tie, are infinite or NaN.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from clantune_core._frozen import MAX_INTEGER_BITS
from clantune_core.alleles import (
    AbstractAllele,
    BoolAllele,
    ContinuousAllele,
    FloatAllele,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    StringAllele,
)
from clantune_core.ancestry import Ancestry
from clantune_core.context import Context
from clantune_core.genome import Genome
from clantune_core.population import Population

CONTINUOUS: tuple[type[ContinuousAllele], ...] = (
    FloatAllele,
    LogFloatAllele,
    LogitFloatAllele,
    IntAllele,
)

_names = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=8)
_finite = st.floats(allow_nan=False, allow_infinity=False)
_integers = st.integers(-(2**MAX_INTEGER_BITS) + 1, 2**MAX_INTEGER_BITS - 1)


def plain_data() -> st.SearchStrategy[Any]:
    """Plain data, as metadata may hold it."""
    scalars = st.none() | st.booleans() | _integers | _finite | _names
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
        max_leaves=5,
    )


@st.composite
def alleles(draw: st.DrawFn, *kinds: type[AbstractAllele], max_depth: int = 1) -> AbstractAllele:
    """Alleles of the given kinds, or of any of the core's own.

    Args:
        draw: Given by hypothesis.
        *kinds: Kinds of the core; none means all of them.
        max_depth: How deep alleles may lie in metadata; 0 means none.
    """
    kind = draw(st.sampled_from(kinds or (*CONTINUOUS, BoolAllele, StringAllele)))
    return _bare(draw, kind).with_metadata(draw(_metadata(max_depth)))


def _metadata(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    plain = st.dictionaries(_names, plain_data(), max_size=1)
    if depth == 0:
        return plain
    children = st.dictionaries(
        st.sampled_from(("std", "chance", "memory")), alleles(max_depth=depth - 1), max_size=2
    )
    return st.builds(lambda a, b: {**a, **b}, plain, children)


def _bare(draw: st.DrawFn, kind: type[AbstractAllele]) -> AbstractAllele:
    flags = {"can_mutate": draw(st.booleans()), "can_crossbreed": draw(st.booleans())}
    if kind is BoolAllele:
        return BoolAllele(draw(st.booleans()), **flags)
    if kind is StringAllele:
        choices = draw(st.lists(_names, min_size=1, max_size=4, unique=True))
        return StringAllele(draw(st.sampled_from(choices)), tuple(choices), **flags)
    low, high = sorted((draw(_ends(kind)), draw(_ends(kind))))
    at_an_end = st.sampled_from((low, high))
    inside: st.SearchStrategy[Any] = (
        st.integers(low, high) if kind is IntAllele else st.floats(low, high)
    )
    return kind(draw(at_an_end | inside), (low, high), **flags)


def _ends(kind: type[AbstractAllele]) -> st.SearchStrategy[Any]:
    """Where a domain may end, with everyday numbers more often than extremes."""
    if kind is IntAllele:
        return (
            st.sampled_from((-(2**53), 0, 1, 2**53))
            | st.integers(-9, 9)
            | st.integers(-(2**53), 2**53)
        )
    if kind is LogitFloatAllele:
        return st.floats(1e-6, 1 - 1e-6) | st.sampled_from(LogitFloatAllele.widest)
    if kind is LogFloatAllele:
        return st.floats(1e-9, 1e3) | st.floats(sys.float_info.min, sys.float_info.max)
    return st.floats(-10, 10) | st.sampled_from((0.0, *FloatAllele.widest)) | _finite


def _identities() -> st.SearchStrategy[UUID]:
    return st.integers(0, 2**128 - 1).map(lambda number: UUID(int=number, version=4))


def fitnesses() -> st.SearchStrategy[float]:
    """Fitnesses as a run meets them: ordinary, tied, huge, infinite and NaN."""
    return st.sampled_from((0.0, 1.0)) | _finite | st.floats()


@st.composite
def genomes(draw: st.DrawFn, *, max_genes: int = 3, max_depth: int = 1) -> Genome:
    """Genomes that were never bred, evaluated or not."""
    genes = st.dictionaries(_names, alleles(max_depth=max_depth), max_size=max_genes)
    return Genome(
        draw(genes),
        uuid=draw(_identities()),
        fitness=draw(st.none() | fitnesses()),
        metadata=draw(st.dictionaries(_names, plain_data(), max_size=1)),
    )


@st.composite
def populations(
    draw: st.DrawFn, *, min_size: int = 1, max_size: int = 4, max_genes: int = 3, max_depth: int = 1
) -> Population:
    """Populations of one schema: evaluated, and of different values, as a round leaves them."""
    template = draw(genomes(max_genes=max_genes, max_depth=max_depth))
    identities = draw(st.lists(_identities(), min_size=min_size, max_size=max_size, unique=True))
    return Population(
        [
            template.update(_elsewhere(draw)).with_uuid(uuid).set_fitness(draw(fitnesses()))
            for uuid in identities
        ]
    )


def _elsewhere(draw: st.DrawFn) -> Callable[[AbstractAllele, Context], AbstractAllele]:
    def move(allele: AbstractAllele, _: Context) -> AbstractAllele:
        if isinstance(allele, ContinuousAllele):
            return allele.with_value(draw(st.floats(*map(float, allele.domain))))
        return allele.with_value(draw(st.sampled_from(allele.domain)))

    return move


@st.composite
def ancestries(draw: st.DrawFn, population: Population) -> Ancestry:
    """Ancestries of a population: one parent, several, or all."""
    weights = draw(
        st.lists(
            st.sampled_from((0.0, 0.0, 0.5, 1.0)),
            min_size=len(population),
            max_size=len(population),
        ).filter(any)
    )
    return Ancestry.from_weights(weights, population)
