"""How far a run has come: all that the next generation depends on, besides its settings."""

from __future__ import annotations

import attrs

from clantune_core import Population
from clantune_neuro.errors import NeuroError


@attrs.frozen(eq=False)
class Progress:
    """How far a run has come.

    Attributes:
        population: The members of the last generation, with their records. Before the first
            generation they have none.
        generation: Number of the generation that was evaluated last; -1 before the first.
        evaluations: Number of networks evaluated so far.
        frames: Number of game frames so far.
        total: Number of the last generation that the first call of `until` asked for. Strategies
            see the generation as a fraction of it. None before that call.
    """

    population: Population
    generation: int = -1
    evaluations: int = 0
    frames: int = 0
    total: int | None = None

    def evaluated(self) -> Population:
        """Return the members of the last generation.

        Raises:
            NeuroError: No generation has been evaluated.
        """
        if self.generation < 0:
            raise NeuroError("no generation has been evaluated; call `until` or `step` first")
        return self.population
