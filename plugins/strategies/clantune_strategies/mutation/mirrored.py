"""Mirrored: pairs of members that mutate in opposite directions."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

import attrs

from clantune_core import AbstractAllele, AbstractMutationStrategy, Context, ContinuousAllele, Draws
from clantune_strategies._latent import clip_to_finite
from clantune_strategies.checks import mutation_field
from clantune_strategies.wrappers import MutationWrapper

A = TypeVar("A", bound=AbstractAllele)


@attrs.frozen
class Mirrored(MutationWrapper):
    """Members 2k and 2k + 1 draw the same noise; the second one moves in the opposite direction.

    Use it in small populations: if both members of a pair have the same parent, their difference in
    fitness measures a slope instead of chance. The second member's move has the opposite sign on
    the latent line of each continuous gene. Discrete kinds and alleles in metadata move equally in
    both. A last member without a partner moves as the other mutation does.

    Attributes:
        strategy: The other mutation. Its draws from `rng` and `draw` are the same in a pair.
    """

    strategy: AbstractMutationStrategy = mutation_field()

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, shared_draw: Draws, **arguments: Any
    ) -> AbstractAllele:
        """Mutate, and mirror the move of every second member."""
        pair, is_second = divmod(context.rank, 2)
        key = f"mirror/{type(self.strategy).__name__}/{pair}"
        seed = shared_draw(f"{key}/at {(context.gene, *context.path)}")
        arguments = self.with_own_shared_rng(arguments)
        arguments |= {"context": context, "shared_draw": shared_draw}
        arguments["draw"] = lambda name: shared_draw(f"{key}/draw {name}")

        def mutate(start: A) -> A:
            arguments["rng"] = Random(seed)
            return self.inner_mutate(start, **arguments)

        if is_second and context.is_hyperparameter and isinstance(allele, ContinuousAllele):
            return _mirror(allele, mutate)
        return mutate(allele)


def _mirror(
    allele: ContinuousAllele, mutate: Callable[[ContinuousAllele], ContinuousAllele]
) -> ContinuousAllele:
    moved = mutate(allele)
    start, end = allele, moved
    low, high = allele.domain
    if end.value in (low, high):  # maybe clipped there; a move from the other end has full length
        start = allele.with_value(high if end.value == low else low)
        end = mutate(start)
    step = clip_to_finite(end.latent - start.latent)
    return moved.with_latent(clip_to_finite(allele.latent - step))
