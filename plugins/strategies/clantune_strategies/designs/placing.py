"""Members around a common centre: what each round of a designed experiment looks like."""

from __future__ import annotations

import functools
from random import Random

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Context,
    ContinuousAllele,
    FloatAllele,
    Genome,
    IntAllele,
    Once,
)
from clantune_strategies._checks import number
from clantune_strategies._latent import finite
from clantune_strategies.designs.hadamard import design

CENTRE = "design/centre"
"""Where a gene remembers the centre that it was placed around, on the latent line."""


@attrs.frozen
class TwoLevel(AbstractMutationStrategy):
    """Puts every member one step above or below the centre, in each gene by a column of its own.

    The columns are those of an orthogonal two-level design: all members measure every gene. Use it
    with `MainEffects`, which moves the centre by what was measured. What the gene holds when it is
    called counts as the centre. Continuous genes only; a population of one stays where it is.

    Attributes:
        spread: The step, in units of the latent line, 0 or more: 0.1 is 10 % for an lr. Where the
            latent line is the value itself, a tenth of the domain counts as 1: 0.1 is 1 % of it.
    """

    spread: float = number(0.1)

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, my_genome: Genome, shared_once: Once
    ) -> AbstractAllele:
        """Step off the centre by this member's sign."""
        if not isinstance(allele, ContinuousAllele) or context.path:
            return allele
        genes = continuous_genes(context.genes, my_genome)
        columns = design(context.population_size, len(genes), shared_once("two-level design"))
        sign = columns[genes.index(context.gene)][context.rank]
        return placed(allele, sign * self.spread)


@attrs.frozen
class Spread(AbstractMutationStrategy):
    """Puts the members at equal distances around the centre, in an order drawn for each gene.

    Use it with `MainEffects`, where the clan is large and a gene has a bend that two levels would
    not show. Continuous genes only; a population of one stays where it is.

    Attributes:
        width: Half of the way from the lowest to the highest, in units as of `TwoLevel.spread`.
    """

    width: float = number(1 / 9)

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, shared_once: Once
    ) -> AbstractAllele:
        """Go to this member's place."""
        if not isinstance(allele, ContinuousAllele) or context.path:
            return allele
        places = [*range(context.population_size)]
        Random(shared_once(f"order of {context.gene}")).shuffle(places)
        last = len(places) - 1
        place = 2.0 * places[context.rank] / last - 1.0 if last else 0.0
        return placed(allele, place * self.width)


def placed(allele: ContinuousAllele, offset: float) -> ContinuousAllele:
    """Return the allele so far off the centre, with the centre written down."""
    # What is not crossbred was not brought back to the centre: it still stands where it stood.
    centre = allele.latent if allele.can_crossbreed else allele.metadata.get(CENTRE, allele.latent)
    there = allele.with_latent(finite(centre + offset * unit(allele)))
    return there.with_metadata({CENTRE: centre})


@functools.lru_cache(maxsize=4)  # every gene of a genome asks
def continuous_genes(genes: tuple[str, ...], genome: Genome) -> tuple[str, ...]:
    """Return those of the active genes that can be placed, in order."""
    return tuple(gene for gene in genes if isinstance(genome.alleles[gene], ContinuousAllele))


def unit(allele: ContinuousAllele) -> float:
    """Return how long a step of 1 is on the latent line.

    A tenth of the domain where the line is the value itself; one elsewhere, and where a domain is
    so wide that it says nothing.
    """
    if not isinstance(allele, FloatAllele | IntAllele):
        return 1.0
    tenth = allele.domain.max / 10.0 - allele.domain.min / 10.0
    return tenth if 0.0 < tenth < 1e9 else 1.0
