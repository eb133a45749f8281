"""Mirrored: members in pairs, one on either side of where they came from."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

import attrs

from clantune_core import AbstractAllele, AbstractMutationStrategy, Context, ContinuousAllele, Once
from clantune_strategies._latent import finite
from clantune_strategies._wrapper import MutationWrapper, held_mutation

A = TypeVar("A", bound=AbstractAllele)


@attrs.frozen
class Mirrored(MutationWrapper):
    """Members 2k and 2k + 1 draw the same noise, and the second one takes it the other way.

    Use it in small clans: of two members that descend from one parent, the difference in fitness is
    then a slope, not chance. The move of the second member has the opposite sign on the latent line
    of each continuous gene. Discrete kinds, and what is learned in metadata, move alike in both;
    a last member without a partner moves as the inner mutation has it.

    Attributes:
        strategy: The mutation inside. What it draws from `rng` and `once` is the same in a pair.
    """

    strategy: AbstractMutationStrategy = held_mutation()

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, shared_once: Once, **offered: Any
    ) -> AbstractAllele:
        """Let the inner one mutate, and turn the move of every second member around."""
        pair, is_second = divmod(context.rank, 2)
        key = f"mirror/{type(self.strategy).__name__}/{pair}"
        seed = shared_once(f"{key}/at {(context.gene, *context.path)}")
        offered = self._apart(offered) | {"context": context, "shared_once": shared_once}
        offered["once"] = lambda name: shared_once(f"{key}/once {name}")

        def move(start: A) -> A:
            offered["rng"] = Random(seed)
            return self._inner(start, **offered)

        if is_second and context.is_hyperparameter and isinstance(allele, ContinuousAllele):
            return _opposite(allele, move)
        return move(allele)


def _opposite(
    allele: ContinuousAllele, move: Callable[[ContinuousAllele], ContinuousAllele]
) -> ContinuousAllele:
    after = move(allele)
    start, end = allele, after
    low, high = allele.domain
    if end.value in (low, high):  # it may have been cut short there: from the other end it is whole
        start = allele.with_value(high if end.value == low else low)
        end = move(start)
    step = finite(end.latent - start.latent)
    return after.with_latent(finite(allele.latent - step))
