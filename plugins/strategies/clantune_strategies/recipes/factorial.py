"""Recipes in which every round is a designed experiment; `cautious()` is the default of a clan."""

from __future__ import annotations

import attrs

from clantune_core.contracts import RecipeSettings
from clantune_strategies._patterns import DECAY_GENES, LR_GENES
from clantune_strategies.checks import strategy_error
from clantune_strategies.crossbreeding import Average
from clantune_strategies.designs import MainEffects, TwoLevel
from clantune_strategies.mutation import AtStart, Perturb
from clantune_strategies.recipes.recipe import Recipe
from clantune_strategies.selection import Everyone


def factorial(
    *,
    spread: float = 0.1,
    step: float = 0.5,
    first_lr: float = 1.0,
    memory: float = 0.7,
    cutoff: float = 1.5,
    freeze_lr_until: float = 0.0,
    freeze_lr_in_cooldown: bool = False,
    hold_decay: bool = False,
    bias_correction: bool = False,
    go_back_until: float = 0.0,
    rounds: int = 20,
    calibrate: bool = False,
    evolve: bool = True,
) -> Recipe:
    """Members are placed around a common centre by a two-level design, and all measure every gene.

    Use it where several settings are uncertain and none is far off. With a single setting that is
    known to be good it costs a little and gains nothing.

    Args:
        spread: Distance of the members from the centre, in units of the latent line.
        step: Move of the centre for a certain effect, in the same units.
        first_lr: Share of the given lr that the run begins with, above 0 and at most 1. A rate that
            is too low is repaired in a few rounds; one that is too high may damage the weights for
            good.
        memory: Share of the evidence that is kept from round to round.
        cutoff: Members whose loss is above this multiple of the median contribute no weights.
        freeze_lr_until: Progress up to which the lr does not evolve, such as the warm-up of its
            schedule.
        freeze_lr_in_cooldown: Whether the lr does not evolve in the last fifth of a run.
        hold_decay: Whether the weight decay does not increase.
        bias_correction: Whether the centre moves by all of the evidence from the first round on.
        go_back_until: Progress up to which a clan that has become clearly worse goes back to its
            best weights and halves the lr that it had there, such as 0.5; later it does so only
            after an explosion. 0 for never.
        rounds: Number of rounds in a run of known length.
        calibrate: Whether the run begins with a search for the lr.
        evolve: False gives the control: the same run with all members at a centre that never moves
            and does not go back.
    """
    if not 0.0 < first_lr <= 1.0:
        raise strategy_error(
            "factorial", f"first_lr must be a number above 0 and at most 1; got {first_lr!r}"
        )
    if first_lr < 1.0 and calibrate:
        raise strategy_error(
            "factorial", "calibrate=True searches for the lr to begin with: leave first_lr out"
        )
    effects = MainEffects(
        step=step,
        memory=memory,
        freeze_lr_until=freeze_lr_until,
        freeze_lr_in_cooldown=freeze_lr_in_cooldown,
        decay_genes=DECAY_GENES if hold_decay else (),
        bias_correction=bias_correction,
    )
    lower = (AtStart(Perturb((first_lr,)), LR_GENES, required=False),) if first_lr < 1.0 else ()
    evolving = (Everyone(cutoff=cutoff), effects, Average(), *lower, TwoLevel(spread=spread))
    control = (Everyone(cutoff=cutoff), Average(), *lower)
    return Recipe(
        name="factorial" if evolve else "factorial, no evolution",
        strategies=evolving if evolve else control,
        source="ClanTune; two-level factorial designs as in Box, Hunter and Hunter, Statistics "
        "for Experimenters",
        differs="the centre moves by effects accumulated over several rounds, through a soft gate",
        settings=RecipeSettings(
            inheritance="mean",
            evaluate="ema",
            duty_cycle=0.0,
            half_clans=True,
            rounds=rounds,
            calibrate=calibrate,
            go_back_until=go_back_until if evolve else 0.0,
        ),
    )


def cautious(
    *,
    spread: float = 0.1,
    cutoff: float = 1.5,
    go_back_until: float = 0.5,
    rounds: int = 20,
    evolve: bool = True,
) -> Recipe:
    """`factorial()` that begins with a third of the given lr and goes back when it becomes worse.

    Use it where settings may be far off: it is the default of a clan. The centre makes longer
    moves, the lr does not evolve in the warm-up, and the weight decay does not increase, so begin
    with one that is not too low. It needs a run of known length and a gene of a learning rate.

    Args:
        spread: Distance of the members from the centre, in units of the latent line.
        cutoff: Members whose loss is above this multiple of the median contribute no weights.
        go_back_until: Progress up to which a clan that has become clearly worse goes back to its
            best weights and halves the lr that it had there; later it does so only after an
            explosion. 0 for never.
        rounds: Number of rounds in a run of known length.
        evolve: False gives the control: the same run with all members at a centre that never moves
            and does not go back.
    """
    recipe = factorial(
        spread=spread,
        step=0.75,
        first_lr=0.33,
        cutoff=cutoff,
        freeze_lr_until=0.1,
        hold_decay=True,
        bias_correction=True,
        go_back_until=go_back_until,
        rounds=rounds,
        evolve=evolve,
    )
    return attrs.evolve(
        recipe,
        name=recipe.name.replace("factorial", "cautious"),
        differs=f"{recipe.differs}; the run begins with a third of the lr, the centre makes longer "
        "moves, the weight decay does not increase, and a clan that becomes worse goes back",
    )
