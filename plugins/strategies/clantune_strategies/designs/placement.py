"""Place the members around a common centre in each round of a designed experiment."""

from __future__ import annotations

import functools
from random import Random

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Context,
    ContinuousAllele,
    Draws,
    Genome,
)
from clantune_strategies._latent import clip_to_finite
from clantune_strategies.checks import number_field
from clantune_strategies.designs.hadamard import design

CENTRE = "design/centre"
"""Metadata key under which a gene stores its centre, on the latent line."""


@attrs.frozen
class TwoLevel(AbstractMutationStrategy):
    """Moves every member one step above or below the centre, by one column of a design per gene.

    The columns form an orthogonal two-level design, so all members measure every gene. Use it with
    `MainEffects`, which moves the centre by the measured effects. The value that a gene has when
    this strategy is called is its centre. Continuous genes only. A population of one does not move.

    Attributes:
        spread: The step, 0 or more, in units of the latent line: 0.1 is 10 % of an lr. For kinds
            whose latent line is the value itself, the unit is a tenth of the domain: 0.1 is 1 % of
            the domain.
    """

    spread: float = number_field(0.1)

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, my_genome: Genome, shared_draw: Draws
    ) -> AbstractAllele:
        """Step off the centre in the direction of this member's sign."""
        if not isinstance(allele, ContinuousAllele) or context.path:
            return allele
        genes = continuous_genes(context.genes, my_genome)
        columns = design(context.population_size, len(genes), shared_draw("two-level design"))
        sign = columns[genes.index(context.gene)][context.rank]
        return offset_from_centre(allele, sign * self.spread)


@attrs.frozen
class Spread(AbstractMutationStrategy):
    """Spaces the members evenly around the centre, in a random order for each gene.

    Use it with `MainEffects` in a large population, where the response to a gene may be curved and
    two levels would hide that. Continuous genes only. A population of one does not move.

    Attributes:
        width: Half the distance between the lowest and the highest member, 0 or more, in the units
            of `TwoLevel.spread`.
    """

    width: float = number_field(1 / 9)

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, shared_draw: Draws
    ) -> AbstractAllele:
        """Move to this member's position."""
        if not isinstance(allele, ContinuousAllele) or context.path:
            return allele
        order = [*range(context.population_size)]
        Random(shared_draw(f"order of {context.gene}")).shuffle(order)
        last = len(order) - 1
        position = 2.0 * order[context.rank] / last - 1.0 if last else 0.0
        return offset_from_centre(allele, position * self.width)


def offset_from_centre(allele: ContinuousAllele, offset: float) -> ContinuousAllele:
    """Return the allele moved by an offset from the centre, with the centre in its metadata."""
    # Crossbreeding moves a gene back to the centre. A gene that does not crossbreed is still at its
    # last position, so its centre comes from the metadata.
    centre = allele.latent if allele.can_crossbreed else allele.metadata.get(CENTRE, allele.latent)
    moved = allele.with_latent(clip_to_finite(centre + offset * latent_unit(allele)))
    return moved.with_metadata({CENTRE: centre})


@functools.lru_cache(maxsize=4)  # called for every gene of a genome
def continuous_genes(genes: tuple[str, ...], genome: Genome) -> tuple[str, ...]:
    """Return the continuous ones of the active genes, in order."""
    return tuple(gene for gene in genes if isinstance(genome.alleles[gene], ContinuousAllele))


def latent_unit(allele: ContinuousAllele) -> float:
    """Return the length of one unit of a step on the latent line.

    It is a tenth of the domain for kinds whose latent line is the value itself, unless the domain
    is too wide to indicate a scale. Otherwise it is 1.
    """
    if any(allele.to_latent(end) != end for end in allele.domain):
        return 1.0
    tenth = allele.domain.max / 10.0 - allele.domain.min / 10.0
    return tenth if 0.0 < tenth < 1e9 else 1.0
