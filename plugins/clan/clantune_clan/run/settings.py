"""The settings of a run: what the user says, what the recipe asks for, and what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from clantune_clan.errors import ClanError
from clantune_clan.run.pace import Pace
from clantune_clan.schedule import Schedule
from clantune_core import DataError, Evolution, Recipe, load_recipe
from clantune_core.contracts import Evaluate, Inheritance, RecipeSettings

Rule = str | Recipe

DEFAULT_RULE = "factorial"
ROUND_LENGTH = 1000


@attrs.frozen
class Settings:
    """What a run does, all questions answered.

    Attributes:
        rule: Name of the recipe, or what stands for it.
        evolution: The strategies, in order.
        schedule: Rounds and phases.
        pace: What the learning rate is multiplied with.
        inheritance: How weights are inherited: `"sampled"`, `"dominant"` or `"mean"`.
        evaluate: What is judged: the `"weights"`, or their running average, `"ema"`.
        mode: Whether a low loss is good (`"min"`) or a high score (`"max"`).
        seed: Of all random streams.
        half_clans: Whether members share gradients only with those on their side of a gene that
            acts on the way of the data.
    """

    rule: str
    evolution: Evolution
    schedule: Schedule
    pace: Pace
    inheritance: Inheritance
    evaluate: Evaluate
    mode: Literal["min", "max"]
    seed: int
    half_clans: bool = False

    def told(self) -> dict[str, str]:
        """Return all that ranks must agree on, in words."""
        return {
            "rule": str(self.evolution),
            "schedule": str(self.schedule),
            "pace": str(self.pace),
            "inheritance": self.inheritance,
            "evaluate": self.evaluate,
            "mode": self.mode,
            "seed": str(self.seed),
            "half_clans": str(self.half_clans),
        }

    @property
    def calibrates(self) -> bool:
        """Whether the run begins by searching for the learning rate."""
        return bool(self.schedule.lead)


def settle(
    rule: Rule | None,
    *,
    round_length: int | None,
    total_steps: int | None,
    accumulate: int,
    warmup: float,
    cooldown: float,
    mode: str,
    seed: int,
    has_scheduler: bool = False,
    **asked: Any,
) -> Settings:
    """Return the settings of a run.

    Args:
        rule: A recipe, its name, strategies, or an evolution; None is the default.
        round_length: Steps in a round; None: as `total_steps` and the number of rounds give it.
        total_steps: Steps of the run; None if nobody knows.
        accumulate: Batches per step of the optimizer.
        warmup: Share of the run in which the learning rate rises.
        cooldown: Share of the run in which it falls.
        mode: Whether a low loss is good, or a high score.
        seed: Of all random streams.
        has_scheduler: Whether a scheduler of the user's stands where the pace would be.
        asked: Settings that the recipe may have a say in; None leaves it to that.
    """
    made = DEFAULT_RULE if rule is None else rule
    recipe: Recipe = load_recipe(made) if isinstance(made, str) else made
    asked = {name: value for name, value in asked.items() if value is not None}
    wanted = _wanted(getattr(recipe, "settings", {}), asked)
    if mode not in ("min", "max"):
        raise ClanError(f"mode is min or max; got {mode!r}")
    if round_length is None:
        round_length = max(1, total_steps // wanted.rounds) if total_steps else ROUND_LENGTH
    lead = _calibration(total_steps) if wanted.calibrate else ()
    if total_steps is not None and lead and sum(lead) + round_length > total_steps:
        raise ClanError(
            f"{total_steps} steps are too few for a calibration of {sum(lead)} and a round of "
            f"{round_length}: train longer, or leave calibrate out"
        )
    schedule = Schedule(
        round_length,
        wanted.duty_cycle,
        total_steps=total_steps,
        lead=lead,
        accumulate=accumulate,
    )
    evolution = recipe if isinstance(recipe, Evolution) else Evolution(recipe)
    return Settings(
        rule=getattr(recipe, "name", "a list of strategies"),
        evolution=evolution,
        schedule=schedule,
        pace=Pace(
            None if has_scheduler else total_steps, warmup, cooldown, begin=sum(schedule.lead)
        ),
        inheritance=wanted.inheritance,
        evaluate=wanted.evaluate,
        mode="max" if mode == "max" else "min",
        seed=seed,
        half_clans=wanted.half_clans,
    )


def _wanted(recipe: RecipeSettings | Mapping[str, Any], asked: Mapping[str, Any]) -> RecipeSettings:
    """Return the settings of a recipe, with what the user asked for instead."""
    try:
        return attrs.evolve(RecipeSettings.of(recipe), **asked)
    except DataError as error:
        raise ClanError(str(error)) from error


def _calibration(total_steps: int | None) -> tuple[int, ...]:
    if total_steps is None:
        raise ClanError(
            "calibrate=True needs to know how long the run is: give total_steps=, of which it "
            "takes a fifteenth"
        )
    return tuple(max(6, total_steps // share) for share in (60, 60, 30))
