"""Annealed: bold at first, careful in the end."""

from __future__ import annotations

from random import Random
from typing import Any

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Context,
    ContinuousAllele,
    StrategyError,
)
from clantune_strategies._checks import number
from clantune_strategies._latent import finite
from clantune_strategies._wrapper import MutationWrapper, held_mutation


def _check_generations(_: object, field: attrs.Attribute[Any], given: object) -> None:
    if given is not None and (type(given) is not int or given < 1):
        raise StrategyError(
            f"Annealed: {field.name} is a number of generations, 1 or more, or None; got {given!r}",
            strategy="Annealed",
        )


@attrs.frozen
class Annealed(MutationWrapper):
    """Makes the moves of another mutation shorter as the run goes on, down to nothing at its end.

    Use it where the last rounds should settle. A move on the latent line is multiplied by
    (1 - progress) ** power; a discrete kind moves with that probability. Where nobody knows the
    progress, and `over` is not given, nothing is changed.

    Attributes:
        strategy: The mutation inside.
        power: How fast: 0 is not at all, 1 evenly, more is sooner.
        over: Generations until the end, 1 or more, for runs that do not know their progress.
    """

    strategy: AbstractMutationStrategy = held_mutation()
    power: float = number(1.0)
    over: int | None = attrs.field(default=None, validator=_check_generations)

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, rng: Random, **offered: Any
    ) -> AbstractAllele:
        """Let the inner one mutate, and take a part of its move."""
        left = (1.0 - self._progress(context)) ** self.power
        offered = self._apart(offered) | {"context": context, "rng": rng}
        if left in (0.0, 1.0):
            return self._inner(allele, **offered) if left else allele
        if not isinstance(allele, ContinuousAllele):
            return self._inner(allele, **offered) if rng.random() < left else allele
        after = self._inner(allele, **offered)
        step = left * finite(after.latent - allele.latent)
        return after.with_latent(finite(allele.latent + step))

    def _progress(self, context: Context) -> float:
        if context.progress is not None:
            return context.progress
        return 0.0 if self.over is None else min(1.0, context.generation / self.over)
