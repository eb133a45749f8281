"""WhenReplaced: mutate only members that copied another member."""

from __future__ import annotations

from typing import Any

import attrs

from clantune_core import AbstractAllele, AbstractMutationStrategy, Ancestry, Context
from clantune_strategies.checks import mutation_field
from clantune_strategies.wrappers import MutationWrapper


@attrs.frozen
class WhenReplaced(MutationWrapper):
    """Another mutation acts only on members whose dominant parent is another member.

    Use it as in PBT: a member that is good enough to keep its weights also keeps its genes. A
    genome without an ancestry mutates.

    Attributes:
        strategy: The other mutation.
    """

    strategy: AbstractMutationStrategy = mutation_field()

    def handle_mutating(
        self, allele: AbstractAllele, ancestry: Ancestry | None, context: Context, **arguments: Any
    ) -> AbstractAllele:
        """Mutate if this member was replaced."""
        arguments = self.with_own_shared_rng(arguments)
        if ancestry is not None and ancestry.dominant == context.rank:
            return allele
        return self.inner_mutate(allele, ancestry=ancestry, context=context, **arguments)
