"""Copy alleles from one parent: the dominant one, or one drawn per gene or per genome."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from clantune_core import AbstractAllele, AbstractCrossbreedingStrategy, Ancestry, Context, Draws
from clantune_strategies._parents import pick_parent


@attrs.frozen
class Dominant(AbstractCrossbreedingStrategy):
    """Every gene comes from the parent with the largest share.

    Use it with a selection of one parent, as PBT does. Handles every kind.
    """

    def handle_crossbreeding(
        self, population_alleles: Sequence[AbstractAllele], ancestry: Ancestry
    ) -> AbstractAllele:
        """Return the dominant parent's allele."""
        return population_alleles[ancestry.dominant]


@attrs.frozen
class PerGene(AbstractCrossbreedingStrategy):
    """Each gene, with its metadata, comes from a parent drawn for that gene.

    Use it where genes act independently: it combines good values of different parents. Handles
    every kind.
    """

    def handle_crossbreeding(
        self,
        population_alleles: Sequence[AbstractAllele],
        ancestry: Ancestry,
        context: Context,
        draw: Draws,
    ) -> AbstractAllele:
        """Return the allele of the parent drawn for this gene."""
        return population_alleles[pick_parent(ancestry, draw(f"parent of {context.gene}"))]


@attrs.frozen
class PerGenome(AbstractCrossbreedingStrategy):
    """All genes come from one parent, drawn for the offspring.

    Use it where genes act together, such as lr and momentum. Handles every kind.
    """

    def handle_crossbreeding(
        self, population_alleles: Sequence[AbstractAllele], ancestry: Ancestry, draw: Draws
    ) -> AbstractAllele:
        """Return the allele of the parent drawn for this offspring."""
        return population_alleles[pick_parent(ancestry, draw("parent"))]
