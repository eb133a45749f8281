"""Repeat: momentum along a lineage."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import attrs

from clantune_core import AbstractAllele, AbstractMutationStrategy, Ancestry
from clantune_neuro.lineage.blueprint import LineageAllele
from clantune_neuro.strategies.strength import scaled
from clantune_strategies.checks import number_field


@attrs.frozen
class Repeat(AbstractMutationStrategy):
    """Appends the last gene of the dominant parent once more, with another strength.

    Use it before `Append`: selection kept the parent's last step, and the offspring goes further in
    the same direction. The seed, the operator and the argument are the parent's. A step that would
    be weaker than 2^-20 is left out, so a direction fades away; no step is stronger than 4. A
    lineage without any gene after its birth stays as it is, and so do other kinds.

    Attributes:
        factor: Factor of the strength, above 0. Below 1 a direction fades.
        chance: Probability that an offspring repeats the gene, 0 to 1.
    """

    factor: float = number_field(0.5, 2.0**-20, 2.0**20)
    chance: float = number_field(0.5, 0.0, 1.0)

    def handle_mutating(
        self,
        allele: AbstractAllele,
        population_alleles: Sequence[AbstractAllele],
        ancestry: Ancestry | None,
        rng: Random,
    ) -> AbstractAllele:
        """Append the parent's last gene."""
        if not isinstance(allele, LineageAllele) or rng.random() >= self.chance:
            return allele
        parent = allele if ancestry is None else population_alleles[ancestry.dominant]
        lineage = parent.value
        if lineage.num_genes == lineage.num_birth:
            return allele
        gene = scaled(lineage.gene(lineage.num_genes - 1), self.factor)
        return allele if gene is None else allele.append(gene)
