"""Going back to the best weights, when a clan becomes worse early in its run.

A learning rate that is much too high does damage that later rounds cannot undo: the weights are
lost, not the rate. The best weights of the centre are there anyway.
"""

from __future__ import annotations

import attrs

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.member import optimizer_state
from clantune_clan.member.training_state import TrainingState
from clantune_clan.run.best import Best
from clantune_clan.run.console import LOGGER
from clantune_clan.run.learning_rate import genes_of_rates
from clantune_clan.run.settings import Settings
from clantune_clan.unwrapping import bare_module
from clantune_core import Genome

MARGIN = 0.05
"""How much worse than the best a centre is, as a share of it, before the clan goes back."""

SHARE = 0.5
"""Share of the learning rate at the best weights that the clan goes on with."""


def is_possible(progress: float | None, until: float) -> bool:
    """Whether a clan may go back at this fraction of the run, see `is_due`."""
    return progress is not None and until > 0.0 and progress <= until


def is_due(best: Best, centre: float | None, progress: float | None, until: float) -> bool:
    """Whether the clan goes back.

    Args:
        best: Best weights before this round.
        centre: Fitness of the centre; None if it is not finite.
        progress: Fraction of the run that is done; None if its length is unknown.
        until: Progress up to which clans go back; 0 for never.
    """
    if not is_possible(progress, until) or not best.exists:
        return False
    return centre is None or centre > best.fitness + MARGIN * abs(best.fitness)


def restore(best: Best, state: TrainingState, communicator: Communication) -> None:
    """Restore the best weights, and begin their average again. All ranks do this together.

    The optimizers get the state that they had then. Later moments are those of gradients that may
    have exploded, after which steps are tiny for a thousand steps and more.
    """
    best.fill(bare_module(state.model), communicator)
    if best.moments is not None:
        optimizer_state.restore(state, best.moments)
    if state.average is not None:
        state.average.restart()


def slower(best: Best) -> Best:
    """Return these weights with lower learning rates, by which a clan goes on from them.

    If the clan goes back to them once more, the rates are lower again.
    """
    return attrs.evolve(best, rates={gene: SHARE * rate for gene, rate in best.rates.items()})


def if_possible(genome: Genome, settings: Settings) -> Settings:
    """Return settings with which the clan can go back, or does not go back.

    Raises:
        ClanError: The chosen recipe goes back, and this clan cannot.
    """
    recipe = settings.recipe
    if not recipe.go_back_until:
        return settings
    if settings.total_steps is None:
        problem, remedy = "the length of the run is unknown", "give total_steps="
    elif recipe.inheritance != "mean":
        problem, remedy = "the members share no centre", 'set inheritance="mean"'
    elif not genes_of_rates(genome):
        problem, remedy = "no gene sets a learning rate", "bind it, as autobind=['adamw'] does"
    else:
        return settings
    if settings.is_default:
        LOGGER.info("the clan does not go back to its best weights, because %s", problem)
        return attrs.evolve(settings, recipe=attrs.evolve(recipe, go_back_until=0.0))
    raise ClanError(
        f"go_back_until={recipe.go_back_until} has no effect, because {problem}: {remedy}, or set "
        "go_back_until=0"
    )
