"""Annealed: moves that shrink as the run progresses."""

from __future__ import annotations

from random import Random
from typing import Any

import attrs

from clantune_core import AbstractAllele, AbstractMutationStrategy, Context, ContinuousAllele
from clantune_strategies._latent import clip_to_finite
from clantune_strategies.checks import mutation_field, number_field, strategy_error
from clantune_strategies.wrappers import MutationWrapper


def _check_generations(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if value is not None and (type(value) is not int or value < 1):
        raise strategy_error(
            "Annealed",
            f"{field.name} must be a number of generations, 1 or more, or None; got {value!r}",
        )


@attrs.frozen
class Annealed(MutationWrapper):
    """Shrinks the moves of another mutation as the run progresses, to zero at its end.

    Use it where the last rounds should settle. A move on the latent line is multiplied by
    (1 - progress) ** power; an allele of a discrete kind mutates with that probability. If the
    progress is unknown and `over` is not given, moves keep their size.

    Attributes:
        strategy: The other mutation.
        power: Speed of the decrease, 0 or more: 0 is none, 1 is linear, larger is earlier.
        over: Generations until the end, 1 or more, for runs of unknown length.
    """

    strategy: AbstractMutationStrategy = mutation_field()
    power: float = number_field(1.0)
    over: int | None = attrs.field(default=None, validator=_check_generations)

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, rng: Random, **arguments: Any
    ) -> AbstractAllele:
        """Mutate, then scale the move."""
        scale = (1.0 - self._progress(context)) ** self.power
        arguments = self.with_own_shared_rng(arguments) | {"context": context, "rng": rng}
        if scale in (0.0, 1.0):
            return self.inner_mutate(allele, **arguments) if scale else allele
        if not isinstance(allele, ContinuousAllele):
            return self.inner_mutate(allele, **arguments) if rng.random() < scale else allele
        moved = self.inner_mutate(allele, **arguments)
        step = scale * clip_to_finite(moved.latent - allele.latent)
        return moved.with_latent(clip_to_finite(allele.latent + step))

    def _progress(self, context: Context) -> float:
        if context.progress is not None:
            return context.progress
        return 0.0 if self.over is None else min(1.0, context.generation / self.over)
