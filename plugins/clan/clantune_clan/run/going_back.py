"""Going back to the best weights, when a clan becomes worse early in its run.

A learning rate that is much too high does damage that later rounds cannot undo: the weights are
lost, not the rate. The best weights of the centre are there anyway.
"""

from __future__ import annotations

from collections.abc import Mapping

from clantune_clan.communication import Communication
from clantune_clan.member.training_state import TrainingState
from clantune_clan.run.best import Best
from clantune_clan.unwrapping import bare_module

MARGIN = 0.01
"""How much worse than the best a centre is, as a share of it, before the clan goes back."""

SHARE = 0.5
"""Share of the learning rate at the best weights that the clan goes on with."""


def is_due(best: Best, centre: float | None, progress: float | None, until: float) -> bool:
    """Whether the clan goes back.

    Args:
        best: Best weights before this round.
        centre: Fitness of the centre; None if it is not finite.
        progress: Fraction of the run that is done; None if its length is unknown.
        until: Progress up to which clans go back; 0 for never.
    """
    if until <= 0.0 or progress is None or progress > until or not best.exists:
        return False
    return centre is None or centre > best.fitness + MARGIN * abs(best.fitness)


def restore(best: Best, state: TrainingState, communicator: Communication) -> None:
    """Restore the best weights, without the state of the optimizer. All ranks do this together."""
    best.fill(bare_module(state.model), communicator)
    if state.average is not None:
        state.average.restart()


def highest_rates(best: Best) -> Mapping[str, float]:
    """Return the highest learning rate by gene, to go on from the best weights."""
    return {gene: SHARE * rate for gene, rate in best.rates.items()}
