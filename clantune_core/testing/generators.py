"""Hypothesis strategies for alleles, genomes and populations: what the laws are tried on.

They make what a run may hold, extremes among them: domains that are a point, touch zero or span
all numbers, values at both ends, trees of metadata, fitnesses that tie, are infinite or NaN.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import attrs
from hypothesis import strategies as st

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
from clantune_core.ancestry import Ancestry, HasUuid
from clantune_core.context import Context
from clantune_core.data.plain import MAX_INTEGER_BITS
from clantune_core.genome import Genome
from clantune_core.population import Population

T = TypeVar("T")

CONTINUOUS: tuple[type[ContinuousAllele], ...] = (
    FloatAllele,
    LogFloatAllele,
    LogitFloatAllele,
    IntAllele,
)

EVERY_KIND: tuple[type[AbstractAllele], ...] = (*CONTINUOUS, BoolAllele, StringAllele)

# Simple things first: hypothesis shrinks towards what stands on the left.
_names = st.sampled_from(("lr", "wd", "optimizer/0/betas/1")) | st.text(
    st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=8
)
_finite = st.floats(allow_nan=False, allow_infinity=False)
_share = st.sampled_from((0.0, 1.0)) | st.floats(0.0, 1.0)
_flags = st.sampled_from(((True, True), (True, False), (False, True), (False, False)))
_choices = st.lists(_names, min_size=1, max_size=4, unique=True).map(tuple)
_integers = st.integers(-(2**MAX_INTEGER_BITS) + 1, 2**MAX_INTEGER_BITS - 1)


@functools.cache
def plain_data() -> st.SearchStrategy[Any]:
    """Plain data, as metadata may hold it."""
    scalars = st.none() | st.booleans() | _integers | _finite | _names
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
        max_leaves=5,
    )


Genes = Mapping[str, st.SearchStrategy[AbstractAllele]]
"""What alleles a gene of each name may have, where a strategy needs certain genes."""


@st.composite
def alleles(draw: st.DrawFn, *kinds: type[AbstractAllele], max_depth: int = 1) -> AbstractAllele:
    """Alleles of the given kinds, or of any of the core's own.

    Args:
        draw: Given by hypothesis.
        *kinds: Kinds of the core; none means all of them.
        max_depth: How deep alleles may lie in metadata; 0 means none.
    """
    kind = _one_of(draw, kinds or EVERY_KIND)
    return _bare(draw, kind).with_metadata(draw(_metadata(max_depth)))


def _one_of(draw: st.DrawFn, choices: Sequence[T]) -> T:
    return choices[draw(_index(len(choices)))]


@functools.cache
def _index(length: int) -> st.SearchStrategy[int]:
    return st.integers(0, length - 1)


# Strategies are made once and kept: hypothesis validates each new one, at the cost of a draw.
@functools.cache
def _metadata(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    plain = st.dictionaries(_names, plain_data(), max_size=1)
    if depth == 0:
        return plain
    children = st.dictionaries(
        st.sampled_from(("std", "chance", "memory")), alleles(max_depth=depth - 1), max_size=2
    )
    return st.builds(lambda a, b: {**a, **b}, plain, children)


def _bare(draw: st.DrawFn, kind: type[AbstractAllele]) -> AbstractAllele:
    can_mutate, can_crossbreed = draw(_flags)
    if kind is BoolAllele:
        allele: AbstractAllele = BoolAllele(draw(st.booleans()))
    elif kind is StringAllele:
        choices = draw(_choices)
        allele = StringAllele(_one_of(draw, choices), choices)
    else:
        ends = draw(_ENDS[kind]), draw(_ENDS[kind])
        domain = min(ends), max(ends)
        inside = st.integers(*domain) if kind is IntAllele else st.floats(*domain)
        allele = kind(draw(st.sampled_from(domain) | inside), domain)
    return attrs.evolve(allele, can_mutate=can_mutate, can_crossbreed=can_crossbreed)


_ENDS: Mapping[type[AbstractAllele], st.SearchStrategy[Any]] = {
    FloatAllele: st.sampled_from((0.0, 1.0, *FloatAllele.widest)) | st.floats(-10, 10) | _finite,
    LogFloatAllele: st.sampled_from((1.0, *LogFloatAllele.widest)) | st.floats(1e-9, 1e3),
    LogitFloatAllele: st.sampled_from((0.5, *LogitFloatAllele.widest)) | st.floats(1e-6, 1 - 1e-6),
    IntAllele: st.sampled_from((0, 1, *IntAllele.widest)) | st.integers(-9, 9),
}
"""Where a domain may end, with everyday numbers more often than extremes."""


@functools.cache
def _identities() -> st.SearchStrategy[UUID]:
    return st.integers(0, 2**128 - 1).map(lambda number: UUID(int=number, version=4))


@functools.cache
def fitnesses() -> st.SearchStrategy[float]:
    """Fitnesses as a run meets them: ordinary, tied, huge, infinite and NaN."""
    return st.sampled_from((0.0, 1.0)) | _finite | st.floats()


@st.composite
def genomes(
    draw: st.DrawFn,
    *,
    genes: Genes | None = None,
    min_genes: int = 0,
    max_genes: int = 3,
    max_depth: int = 1,
) -> Genome:
    """Genomes that were never bred, evaluated or not: of any genes, or of those named."""
    any_gene = alleles(max_depth=max_depth)
    return Genome(
        draw(st.dictionaries(_names, any_gene, min_size=min_genes, max_size=max_genes))
        if genes is None
        else {name: draw(allele) for name, allele in genes.items()},
        uuid=draw(_identities()),
        fitness=draw(st.none() | fitnesses()),
        metadata=draw(st.dictionaries(_names, plain_data(), max_size=1)),
    )


@st.composite
def populations(
    draw: st.DrawFn,
    *,
    genes: Genes | None = None,
    min_size: int = 1,
    max_size: int = 4,
    min_genes: int = 0,
    max_genes: int = 3,
    max_depth: int = 1,
) -> Population:
    """Populations of one schema: evaluated, and of different values, as a round leaves them.

    Some members were never bred, others have parents in the round before.
    """
    template = draw(
        genomes(genes=genes, min_genes=min_genes, max_genes=max_genes, max_depth=max_depth)
    )
    size = draw(st.integers(min_size, max_size))
    first = draw(_identities()).int
    family = [template.with_uuid(UUID(int=first ^ i, version=4)) for i in range(2 * size)]
    parents = st.none() | ancestries(family[size:])
    bred = [attrs.evolve(member, parents=draw(parents)) for member in family[:size]]
    return Population(
        [member.update(_elsewhere(draw)).set_fitness(draw(fitnesses())) for member in bred]
    )


def _elsewhere(draw: st.DrawFn) -> Callable[[AbstractAllele, Context], AbstractAllele]:
    def move(allele: AbstractAllele, _: Context) -> AbstractAllele:
        if isinstance(allele, ContinuousAllele):
            # Drawn as a share of the way, so that all members share one cached strategy.
            low, high = (allele.to_latent(end) for end in allele.domain)
            share = draw(_share)
            return allele.with_latent(low * (1 - share) + high * share)
        return allele.with_value(_one_of(draw, allele.domain))

    return move


@st.composite
def ancestries(draw: st.DrawFn, population: Sequence[HasUuid]) -> Ancestry:
    """Ancestries of a population: one parent, several, or all."""
    weights = draw(
        st.lists(
            st.sampled_from((1.0, 0.5, 0.0, 0.0)),  # the first is what a failure shrinks to
            min_size=len(population),
            max_size=len(population),
        ).filter(any)
    )
    return Ancestry.from_weights(weights, population)
