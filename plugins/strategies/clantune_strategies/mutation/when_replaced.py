"""WhenReplaced: only those explore who copied somebody."""

from __future__ import annotations

from typing import Any

import attrs

from clantune_core import AbstractAllele, AbstractMutationStrategy, Ancestry, Context
from clantune_strategies._wrapper import MutationWrapper, held_mutation


@attrs.frozen
class WhenReplaced(MutationWrapper):
    """The inner mutation acts on those whose dominant parent is somebody else.

    Use it as in PBT: who was good enough to stay keeps its genes too. A genome that was not bred
    mutates.

    Attributes:
        strategy: The mutation inside.
    """

    strategy: AbstractMutationStrategy = held_mutation()

    def handle_mutating(
        self, allele: AbstractAllele, ancestry: Ancestry | None, context: Context, **offered: Any
    ) -> AbstractAllele:
        """Let the inner one mutate, if this member was replaced."""
        offered = self._apart(offered)
        if ancestry is not None and ancestry.dominant == context.rank:
            return allele
        return self._inner(allele, ancestry=ancestry, context=context, **offered)
