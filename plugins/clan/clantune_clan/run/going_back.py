"""Going back to the best weights, when a clan becomes worse early in its run, or explodes.

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

EXPLOSION = 0.5
"""Share of all that the run had gained which a centre loses when its training explodes."""

SHARE = 0.5
"""Share of the learning rate at the best weights that the clan goes on with."""


def keeps_moments(progress: float | None, until: float) -> bool:
    """Whether the best weights of this time are kept with the state of the optimizers."""
    return progress is not None and until > 0.0 and progress <= until


def is_due(best: Best, centre: float | None, progress: float | None, until: float) -> bool:
    """Whether the clan goes back: if it becomes worse early in its run, and after an explosion.

    Args:
        best: Best weights before this round.
        centre: Fitness of the centre; None if it is not finite.
        progress: Fraction of the run that is done; None if its length is unknown.
        until: Progress up to which the run is early; 0 if the clan never goes back.
    """
    if progress is None or until == 0.0 or not best.exists:
        return False
    return _is_worse(best, centre) and (progress <= until or has_exploded(best, centre))


def has_exploded(best: Best, centre: float | None) -> bool:
    """Whether the centre, which is worse than the best, has lost most of what the run had gained.

    The gain is the unit since losses and scores have no other in common: a loss may be near 0.
    """
    return centre is None or centre - best.fitness > EXPLOSION * best.gain


def _is_worse(best: Best, centre: float | None) -> bool:
    return centre is None or centre > best.fitness + MARGIN * abs(best.fitness)


def restore(
    best: Best, state: TrainingState, communicator: Communication, *, exploded: bool
) -> None:
    """Restore the best weights, and begin their average again. All ranks do this together.

    After an explosion the optimizers get the state that they had then, or none if it was not kept.
    With the squares of gradients that have exploded, Adam's steps stay tiny for thousands of steps.
    """
    best.fill(bare_module(state.model), communicator)
    if exploded:
        optimizer_state.restore(state, best.moments or {})
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
