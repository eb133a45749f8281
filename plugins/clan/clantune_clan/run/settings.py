"""The resolved settings of a run: the user's arguments, the recipe's, and the defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs

from clantune_clan.errors import ClanError
from clantune_clan.ramp import Ramp
from clantune_clan.schedule import Schedule
from clantune_core import AbstractStrategy, Evolution, load_recipe
from clantune_core.contracts import RecipeSettings

RecipeLike = str | Evolution | Sequence[AbstractStrategy]
"""A recipe, its name, an evolution, or a list of strategies."""

DEFAULT_RECIPE = "cautious"
OTHER_DEFAULT = "factorial"
"""The default where a rate that is lowered at the start could not be repaired."""
ENOUGH_ROUNDS = 10
"""Rounds in which a rate that is lowered at the start is repaired."""
ROUND_LENGTH = 1000
MODES = ("min", "max")
JUDGES = ("shared", "per rank")


@attrs.frozen(kw_only=True)
class Settings:
    """The settings of a run.

    Attributes:
        name: Name of the recipe, or a description of the strategies.
        evolution: Strategies, in order.
        recipe: Settings of the recipe other than its strategies.
        schedule: Schedule of rounds and phases.
        ramp: Warm-up and cooldown of the learning rate.
        mode: Whether a low loss is good (`"min"`) or a high score (`"max"`).
        judge: Whether all ranks judge on the same data (`"shared"`), or each on its own part of
            the data (`"per rank"`), of which the mean counts.
        seed: Seed of all random streams.
        is_default: Whether the strategies are the default.
    """

    name: str
    evolution: Evolution
    recipe: RecipeSettings
    schedule: Schedule
    ramp: Ramp
    mode: Literal["min", "max"]
    judge: Literal["shared", "per rank"]
    seed: int
    is_default: bool = False

    @property
    def sign(self) -> float:
        """Factor from a metric to a fitness, for which lower is better."""
        return -1.0 if self.mode == "max" else 1.0

    @property
    def total_steps(self) -> int | None:
        """Steps of the run; None if its length is unknown."""
        return self.schedule.total_steps

    def progress_at(self, step: int) -> float | None:
        """Return the share of the run that is done after a step; None if its length is unknown."""
        return None if self.total_steps is None else min(1.0, step / self.total_steps)

    def compared(self) -> dict[str, str]:
        """Return descriptions of the settings that must be equal on all ranks."""
        words = {field.name: str(getattr(self, field.name)) for field in attrs.fields(Settings)}
        # A class without a repr of its own shows where it lies in memory.
        return {name: re.sub(r" at 0x[0-9a-f]+", "", value) for name, value in words.items()}


@attrs.frozen(kw_only=True)
class RunArguments:
    """What decides the settings of a run: the number of members, and arguments of `Clan`."""

    strategies: RecipeLike | None = None
    settings: RecipeSettings | Mapping[str, Any] | None = None
    round_length: int | None = None
    duty_cycle: float | None = None
    total_steps: int | None = None
    warmup: float = 0.1
    cooldown: float = 0.2
    accumulate: int = 1
    mode: str = "min"
    judge: str = "shared"
    seed: int = 0
    has_scheduler: bool = False
    num_members: int = 1

    def resolve(self) -> Settings:
        """Return the settings of the run.

        Raises:
            ClanError: The value of an argument is invalid, or two arguments contradict each other.
        """
        for name, choices in (("mode", MODES), ("judge", JUDGES)):
            if (value := getattr(self, name)) not in choices:
                raise ClanError(f"{name} is {' or '.join(map(repr, choices))}; got {value!r}")
        chosen = self._default() if self.strategies is None else self.strategies
        recipe: Any = load_recipe(chosen) if isinstance(chosen, str) else chosen
        decided = self._decided(recipe)
        evolution = recipe if isinstance(recipe, Evolution) else Evolution(recipe)
        _require_selection(evolution)
        schedule = self._schedule(decided)
        begin = sum(schedule.calibration)
        end = None if self.has_scheduler else self.total_steps
        return Settings(
            name=getattr(recipe, "name", "a list of strategies"),
            evolution=evolution,
            recipe=decided,
            schedule=schedule,
            ramp=Ramp.of_run(begin, end, self.warmup, self.cooldown),
            mode="max" if self.mode == "max" else "min",
            judge="per rank" if self.judge == "per rank" else "shared",
            seed=self.seed,
            is_default=self.strategies is None,
        )

    def _default(self) -> str:
        """Return the name of the recipe that is taken if the user chooses none."""
        total, length = self.total_steps, self.round_length
        if total is None or self.num_members == 1:
            return OTHER_DEFAULT
        if self.settings is not None:  # which may say that the run begins with a calibration
            return OTHER_DEFAULT
        has_few_rounds = length is not None and total < ENOUGH_ROUNDS * length
        return OTHER_DEFAULT if has_few_rounds else DEFAULT_RECIPE

    def _decided(self, recipe: Any) -> RecipeSettings:
        given = getattr(recipe, "settings", {}) if self.settings is None else self.settings
        decided = RecipeSettings.of(given)
        if self.duty_cycle is None:
            return decided
        return attrs.evolve(decided, duty_cycle=self.duty_cycle)

    def _schedule(self, decided: RecipeSettings) -> Schedule:
        total, length = self.total_steps, self.round_length
        if length is None:
            length = max(1, total // decided.rounds) if total else ROUND_LENGTH
        if decided.calibrate and self.has_scheduler:
            raise ClanError(
                "calibrate=True goes back to the first weights several times, and a scheduler "
                "does not go back with them: leave out calibrate= or scheduler="
            )
        calibration = _calibration(total) if decided.calibrate else ()
        if total is not None and calibration and sum(calibration) + length > total:
            raise ClanError(
                f"{total} steps are too few for a calibration of {sum(calibration)} and a round "
                f"of {length}: train longer, or leave calibrate out"
            )
        return Schedule(
            length,
            decided.duty_cycle,
            total_steps=total,
            calibration=calibration,
            accumulate=self.accumulate,
        )


def _require_selection(evolution: Evolution) -> None:
    if not evolution.implements("select_ancestry"):
        raise ClanError(
            "no strategy in the list selects parents (select_ancestry), so no round could end; "
            "add one, such as Tournament() or Everyone(), or use a whole recipe: "
            "strategies=factorial()"
        )


def _calibration(total_steps: int | None) -> tuple[int, ...]:
    if total_steps is None:
        raise ClanError(
            "calibrate=True needs to know how long the run is: give total_steps=, of which it "
            "takes a fifteenth"
        )
    return tuple(max(6, total_steps // share) for share in (60, 60, 30))
