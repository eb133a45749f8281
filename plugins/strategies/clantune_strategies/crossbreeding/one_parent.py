"""Whole alleles from one parent each: the dominant one, or one drawn per gene or per genome."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from clantune_core import AbstractAllele, AbstractCrossbreedingStrategy, Ancestry, Context, Once
from clantune_strategies._choosing import drawn_parent


@attrs.frozen
class Dominant(AbstractCrossbreedingStrategy):
    """Every gene comes from the parent that contributes most.

    Use it with a selection of one parent, as PBT has it. Handles every kind.
    """

    def handle_crossbreeding(
        self, population_alleles: Sequence[AbstractAllele], ancestry: Ancestry
    ) -> AbstractAllele:
        """Take the dominant parent's allele."""
        return population_alleles[ancestry.dominant]


@attrs.frozen
class PerGene(AbstractCrossbreedingStrategy):
    """Each gene comes from a parent drawn for it, with all that its metadata holds.

    Use it where genes act apart from each other: good values that different parents found come
    together. Handles every kind.
    """

    def handle_crossbreeding(
        self,
        population_alleles: Sequence[AbstractAllele],
        ancestry: Ancestry,
        context: Context,
        once: Once,
    ) -> AbstractAllele:
        """Take the allele of the parent drawn for this gene."""
        return population_alleles[drawn_parent(ancestry, once(f"parent of {context.gene}"))]


@attrs.frozen
class PerGenome(AbstractCrossbreedingStrategy):
    """All genes come from one parent, drawn for the offspring.

    Use it where genes act together, such as lr and momentum. Handles every kind.
    """

    def handle_crossbreeding(
        self, population_alleles: Sequence[AbstractAllele], ancestry: Ancestry, once: Once
    ) -> AbstractAllele:
        """Take the allele of the parent drawn for this offspring."""
        return population_alleles[drawn_parent(ancestry, once("parent"))]
