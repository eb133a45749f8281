"""AtStart: mutate before the first round only."""

from __future__ import annotations

from typing import Any

import attrs

from clantune_core import AbstractAllele, AbstractMutationStrategy, Ancestry, Context, Genome
from clantune_strategies._patterns import matches
from clantune_strategies.checks import (
    flag_field,
    gene_patterns_field,
    mutation_field,
    strategy_error,
)
from clantune_strategies.wrappers import MutationWrapper


@attrs.frozen
class AtStart(MutationWrapper):
    """Another mutation acts only before the first round of a clan.

    Use it to start from other values than the given ones: `AtStart(Perturb([0.33]), ["lr"])` starts
    from a third of the given lr. It acts on genomes that were not bred. Programs that breed without
    placing members first, such as a parameter store, have none. Alleles in metadata stay, and so do
    genes that never crossbreed.

    Attributes:
        strategy: The other mutation.
        genes: Patterns of the names of genes that it may change.
        required: Whether a genome with none of them is an error.
    """

    strategy: AbstractMutationStrategy = mutation_field()
    genes: tuple[str, ...] = gene_patterns_field("*")
    required: bool = flag_field(default=True)

    def handle_mutating(
        self,
        allele: AbstractAllele,
        ancestry: Ancestry | None,
        context: Context,
        my_genome: Genome,
        **arguments: Any,
    ) -> AbstractAllele:
        """Mutate if this is the start and the gene is one of them."""
        arguments = self.with_own_shared_rng(arguments)
        if ancestry is not None or my_genome.parents is not None or not context.is_hyperparameter:
            return allele
        if self.required and not any(matches(self.genes, gene) for gene in my_genome.alleles):
            raise strategy_error(
                "AtStart",
                f"no gene is called {' or '.join(map(repr, self.genes))}; the genes are "
                f"{[*my_genome.alleles]}: correct genes=, or set required=False",
            )
        # A gene that never crossbreeds would keep its first value for good.
        if not allele.can_crossbreed or not matches(self.genes, context.gene):
            return allele
        arguments |= {"ancestry": ancestry, "context": context, "my_genome": my_genome}
        return self.inner_mutate(allele, **arguments)
