"""Members around a common centre: what each round of a designed experiment looks like."""

from __future__ import annotations

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
from clantune_strategies.designs.hadamard import design

CENTRE = "design/centre"
OFFSET = "design/offset"
"""Where a member's gene is meant to lie: the centre on the latent line, and how far off it is."""


@attrs.frozen
class TwoLevel(AbstractMutationStrategy):
    """Puts every member one step above or below the centre, in each gene by a column of its own.

    The columns are those of an orthogonal two-level design: all members measure every gene. Use it
    with `MainEffects`, which moves the centre by what was measured. What the gene holds when it is
    called counts as the centre. Continuous genes only; a population of one stays where it is.

    Attributes:
        spread: The step, in units of the latent line, 0 or more: 0.1 is 10 % for an lr. Where the
            latent line is the value itself, a hundredth of that times the width of the domain, ten
            times over: 0.1 is 1 % of the domain.
    """

    spread: float = number(0.1)

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, my_genome: Genome, shared_once: Once
    ) -> AbstractAllele:
        """Step off the centre by this member's sign."""
        if not isinstance(allele, ContinuousAllele) or context.path:
            return allele
        genes = continuous_genes(context, my_genome)
        columns = design(context.population_size, len(genes), shared_once("two-level design"))
        sign = columns[genes.index(context.gene)][context.rank]
        return placed(allele, allele.latent, sign * self.spread * unit(allele))


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
        return placed(allele, allele.latent, place * self.width * unit(allele))


def placed(allele: ContinuousAllele, centre: float, offset: float) -> ContinuousAllele:
    """Return the allele at its place, with the place written down."""
    return allele.with_latent(centre + offset).with_metadata({CENTRE: centre, OFFSET: offset})


def continuous_genes(context: Context, genome: Genome) -> tuple[str, ...]:
    """Return the active genes that can be placed, in order."""
    held = genome.alleles
    return tuple(gene for gene in context.genes if isinstance(held[gene], ContinuousAllele))


def unit(allele: ContinuousAllele) -> float:
    """Return how long a step of 1 is on the latent line.

    One where the line is a logarithm; a tenth of the domain where it is the value itself.
    """
    if not isinstance(allele, FloatAllele | IntAllele):
        return 1.0
    low, high = allele.domain
    return min(high / 10.0 - low / 10.0, 1e300) or 1.0
