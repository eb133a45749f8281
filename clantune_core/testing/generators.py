"""Hypothesis strategies for genomes, populations and ancestries.

They draw values that a run may have, including extremes: fitnesses that tie, are infinite or NaN,
members with and without parents.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from uuid import UUID

import attrs
from hypothesis import strategies as st

from clantune_core.ancestry import Ancestry, HasUuid
from clantune_core.genome import Genome
from clantune_core.population import Population
from clantune_core.testing.alleles import alleles, draw_elsewhere, finite, names, plain_data
from clantune_core.testing.registered import Instances

Genes = Mapping[str, Instances]
"""A hypothesis strategy for the alleles of each gene, by its name."""


@functools.cache
def _identities() -> st.SearchStrategy[UUID]:
    return st.integers(0, 2**128 - 1).map(lambda number: UUID(int=number, version=4))


@functools.cache
def fitnesses() -> st.SearchStrategy[float]:
    """Fitnesses that a run may have: ordinary, tied, huge, infinite and NaN."""
    return st.sampled_from((0.0, 1.0)) | finite | st.floats()


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
        draw(st.dictionaries(names, any_gene, min_size=min_genes, max_size=max_genes))
        if genes is None
        else {name: draw(allele) for name, allele in genes.items()},
        uuid=draw(_identities()),
        fitness=draw(st.none() | fitnesses()),
        metadata=draw(st.dictionaries(names, plain_data(), max_size=1)),
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
    """Populations of one schema, evaluated, with different values, as after a round.

    Some members were never bred; others have parents in the round before.
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
        [
            member.update(lambda allele, _: draw_elsewhere(draw, allele)).set_fitness(
                draw(fitnesses())
            )
            for member in bred
        ]
    )


@st.composite
def ancestries(draw: st.DrawFn, population: Sequence[HasUuid]) -> Ancestry:
    """Ancestries of a population: one parent, several, or all."""
    weights = draw(
        st.lists(
            st.sampled_from((1.0, 0.5, 0.0, 0.0)),  # a failure shrinks to the first
            min_size=len(population),
            max_size=len(population),
        ).filter(any)
    )
    return Ancestry.from_weights(weights, population)
