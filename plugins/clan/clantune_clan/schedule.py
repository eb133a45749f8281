"""The schedule of cooperation and competition, which depends on the step number alone."""

from __future__ import annotations

import math
from typing import Literal

import attrs

from clantune_clan.errors import ClanError

Mode = Literal["cooperative", "competitive"]


def _is_a_length(_: object, field: attrs.Attribute[int], length: object) -> None:
    if not isinstance(length, int) or isinstance(length, bool) or length < 1:
        raise ClanError(f"{field.name} is a number of steps, 1 or more; got {length!r}")


def _is_a_share(_: object, field: attrs.Attribute[float], share: object) -> None:
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0.0 <= share <= 1.0:
        raise ClanError(
            f"{field.name} is the share of a round in which members compete, 0 to 1; got {share!r}"
        )


@attrs.frozen
class Round:
    """One round of a schedule.

    Attributes:
        number: Number of the round, from 0; rounds of calibration are counted too.
        start: Number of steps before the round.
        length: Number of steps in the round, 1 or more.
        duty_cycle: Share of the round in which members compete, 0 to 1.
        accumulate: Batches per step of the optimizer; the phases are multiples of it.
        total_steps: Steps of the run, at which the round ends at the latest; None if unknown.
    """

    number: int
    start: int
    length: int
    duty_cycle: float
    accumulate: int = attrs.field(default=1, kw_only=True)
    total_steps: int | None = attrs.field(default=None, kw_only=True)

    @property
    def cooperative_steps(self) -> int:
        """Number of steps before the competition. Each phase with a share has at least one step.

        A remainder of the round in which no window ends is part of its last phase.
        """
        windows = max(1, self.length // self.accumulate)
        competitive = round(self.duty_cycle * windows)
        if 0.0 < self.duty_cycle < 1.0 and windows > 1:
            competitive = min(max(competitive, 1), windows - 1)
        return (windows - competitive) * self.accumulate if competitive else self.length


@attrs.frozen
class Schedule:
    """Rounds of one length, each cooperative first and competitive at its end.

    Steps are counted from 0 over all rounds. The phase depends on the number of the step alone, so
    a loader that loads ahead returns the batches that a member will need.

    Attributes:
        round_length: Steps in a round, 1 or more. A step is one batch.
        duty_cycle: Share of a round in which members compete, 0 to 1.
        total_steps: Steps of the run, or None if unknown; the last round includes the remainder.
        calibration: Steps in each round of calibration; these come first, and members only compete.
        accumulate: Batches per step of the optimizer. The lengths of rounds are rounded up to
            multiples of it, and so are those of phases. A round of both phases has two at least.
    """

    round_length: int = attrs.field(validator=_is_a_length)
    duty_cycle: float = attrs.field(validator=_is_a_share)
    total_steps: int | None = attrs.field(
        default=None, kw_only=True, validator=attrs.validators.optional(_is_a_length)
    )
    calibration: tuple[int, ...] = attrs.field(
        default=(), kw_only=True, validator=attrs.validators.deep_iterable(_is_a_length)
    )
    accumulate: int = attrs.field(default=1, kw_only=True, validator=_is_a_length)

    def __attrs_post_init__(self) -> None:
        phases = 2 if self.accumulate > 1 and 0.0 < self.duty_cycle < 1.0 else 1
        length = max(self._whole(self.round_length), phases * self.accumulate)
        object.__setattr__(self, "round_length", length)
        object.__setattr__(
            self, "calibration", tuple(self._whole(length) for length in self.calibration)
        )

    @property
    def cooperative_steps(self) -> int:
        """Number of steps of a round before the competition."""
        return Round(
            0, 0, self.round_length, self.duty_cycle, accumulate=self.accumulate
        ).cooperative_steps

    def round_at(self, step: int) -> Round:
        """Return the round of a step."""
        start = 0
        for number, length in enumerate(self.calibration):
            if step < start + length:
                return Round(number, start, length, 1.0, accumulate=self.accumulate)
            start += length
        number = (step - start) // self.round_length
        if self.total_steps is not None:
            number = min(number, max(1, (self.total_steps - start) // self.round_length) - 1)
        begin, length = start + number * self.round_length, self.round_length
        if self.total_steps is not None and self.total_steps - begin < 2 * self.round_length:
            length = max(self.total_steps - begin, 1)
        return Round(
            number + len(self.calibration),
            begin,
            length,
            self.duty_cycle,
            accumulate=self.accumulate,
            total_steps=self.total_steps,
        )

    def is_over_at(self, step: int) -> bool:
        """Return whether all steps of a run of known length are done."""
        return self.total_steps is not None and step >= self.total_steps

    def mode_at(self, step: int) -> Mode:
        """Return the phase of the members in a step."""
        current = self.round_at(step)
        cooperates = step - current.start < current.cooperative_steps
        return "cooperative" if cooperates else "competitive"

    def _whole(self, steps: int) -> int:
        """Return the next multiple of `accumulate`."""
        return math.ceil(steps / self.accumulate) * self.accumulate
