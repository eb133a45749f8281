"""AtStart: mutate before the first round only."""

from __future__ import annotations

from typing import Any

import attrs

from clantune_core import AbstractAllele, AbstractMutationStrategy, Ancestry, Context
from clantune_strategies.checks import gene_patterns_field, matches, mutation_field
from clantune_strategies.wrappers import MutationWrapper


@attrs.frozen
class AtStart(MutationWrapper):
    """Another mutation acts only before the first round.

    Use it to begin somewhere else than at the given values. `AtStart(Perturb([0.33]), ["lr"])`
    begins with a third of the given lr. A genome without an ancestry is one before the first round.

    Attributes:
        strategy: The other mutation.
        genes: Patterns of the names of genes that it may change. Empty means all genes.
    """

    strategy: AbstractMutationStrategy = mutation_field()
    genes: tuple[str, ...] = gene_patterns_field()

    def handle_mutating(
        self, allele: AbstractAllele, ancestry: Ancestry | None, context: Context, **arguments: Any
    ) -> AbstractAllele:
        """Mutate if this is the start and the gene is one of them."""
        arguments = self.with_own_shared_rng(arguments)
        if ancestry is not None or not matches(self.genes or ("*",), context.gene):
            return allele
        return self.inner_mutate(allele, ancestry=ancestry, context=context, **arguments)
