"""The default: every round is a designed experiment."""

from __future__ import annotations

from clantune_core.contracts import RecipeSettings
from clantune_strategies.crossbreeding import Average
from clantune_strategies.designs import MainEffects, TwoLevel
from clantune_strategies.recipes.recipe import Recipe
from clantune_strategies.selection import Everyone


def factorial(
    *,
    spread: float = 0.1,
    step: float = 0.5,
    memory: float = 0.7,
    cutoff: float = 1.5,
    freeze_until: float = 0.0,
    freeze_in_cooldown: bool = False,
    rounds: int = 20,
    calibrate: bool = False,
    evolve: bool = True,
) -> Recipe:
    """Members stand around a common centre by a two-level design; all measure every gene.

    Use it where several settings are uncertain. With one setting that is known to be good it costs
    a little and gains nothing. `rounds=40, freeze_until=0.1, freeze_in_cooldown=True` is the
    variant to try for models that are not small.

    Args:
        spread: How far members stand off the centre, in units of the latent line.
        step: How far certain evidence moves the centre, in the same units.
        memory: How much of the evidence stays from round to round.
        cutoff: Members worse than this times the median contribute no weights.
        freeze_until: Progress up to which the lr stays as it is: the part in which its schedule
            rises.
        freeze_in_cooldown: Whether the lr stays as it is in the last fifth of a run.
        rounds: Rounds in a run whose length is known.
        calibrate: Whether the run begins by searching for the lr.
        evolve: False gives the control: the same run, all members at the centre, which stays.
    """
    evolving = (
        Everyone(cutoff=cutoff),
        MainEffects(
            step=step,
            memory=memory,
            freeze_until=freeze_until,
            freeze_in_cooldown=freeze_in_cooldown,
        ),
        Average(),
        TwoLevel(spread=spread),
    )
    resting = (Everyone(cutoff=cutoff), Average())
    return Recipe(
        name="factorial" if evolve else "factorial, no evolution",
        strategies=evolving if evolve else resting,
        source="ClanTune; two-level factorial designs as in Box, Hunter and Hunter, Statistics "
        "for Experimenters",
        differs="the centre moves by running evidence over several rounds, through a soft gate",
        settings=RecipeSettings(
            inheritance="mean",
            evaluate="ema",
            duty_cycle=0.0,
            half_clans=True,
            rounds=rounds,
            calibrate=calibrate,
        ),
    )
