"""When a clan cooperates and when it competes: a matter of the step number alone."""

from __future__ import annotations

from typing import Literal

import attrs

from clantune_clan.errors import ClanError

Mode = Literal["cooperative", "competitive"]


def _is_a_length(_: Schedule, field: attrs.Attribute[int], length: object) -> None:
    if not isinstance(length, int) or isinstance(length, bool) or length < 1:
        raise ClanError(f"{field.name} is a number of steps, 1 or more; got {length!r}")


def _is_a_share(_: Schedule, field: attrs.Attribute[float], share: object) -> None:
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0.0 <= share <= 1.0:
        raise ClanError(
            f"{field.name} is the share of a round in which members compete, 0 to 1; got {share!r}"
        )


@attrs.frozen
class Schedule:
    """Rounds of one length, each cooperative first and competitive at its end.

    Steps are counted from 0 over all rounds. Whoever asks about the same step gets the same
    answer, so a loader that works ahead deals out what a member will need.

    Attributes:
        round_length: Steps in a round, 1 or more. A step is one batch.
        duty_cycle: Share of a round in which members compete, 0 to 1.
    """

    round_length: int = attrs.field(validator=_is_a_length)
    duty_cycle: float = attrs.field(validator=_is_a_share)

    @property
    def cooperative_steps(self) -> int:
        """Steps of a round before the competition; some of each if there is a share of each."""
        competitive = round(self.duty_cycle * self.round_length)
        if 0.0 < self.duty_cycle < 1.0 and self.round_length > 1:
            competitive = min(max(competitive, 1), self.round_length - 1)
        return self.round_length - competitive

    def round_of(self, step: int) -> int:
        """Return the number of the round that a step lies in, from 0."""
        return step // self.round_length

    def place_of(self, step: int) -> int:
        """Return how many steps of its round come before a step."""
        return step % self.round_length

    def mode_at(self, step: int) -> Mode:
        """Return what members do in a step."""
        return "cooperative" if self.place_of(step) < self.cooperative_steps else "competitive"
