"""The phases of a round: the current phase of a member, and the step at which it is due to end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from clantune_clan.errors import ClanError
from clantune_clan.schedule import Mode, Round

LONGEST_WINDOW = 64
"""Batches in the longest window of accumulation that fits rounds of any length."""


@attrs.define
class Phases:
    """The place of a member in its round.

    A phase is due to end at a step of the schedule. It ends later if gradients wait for a step of
    the optimizer then. The next phase still ends as scheduled, but has at least one step.

    Attributes:
        round: Round of the schedule.
        late: Number of steps by which the last round ended late; this round is shorter by them.
        step: Number of steps that the member has made in the round.
        mode: Current phase.
        begin: Step of the round at which this phase began.
        done: Whether the round is over.
    """

    round: Round
    late: int = 0
    step: int = attrs.field(default=0, init=False)
    mode: Mode = attrs.field(init=False)
    begin: int = attrs.field(default=0, init=False)
    done: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.mode = "cooperative" if self.round.cooperative_steps else "competitive"

    @property
    def first_step(self) -> int:
        """Number of steps of the run before the first step of this member."""
        return self.round.start + self.late

    @property
    def steps_done(self) -> int:
        """Number of steps of the run that are done, over all rounds."""
        return self.first_step + self.step

    @property
    def length(self) -> int:
        """Steps in this round, if it ends as scheduled."""
        return self.round.length - self.late

    @property
    def due(self) -> int:
        """Step of the round at which this phase is due to end."""
        return self.length if self._is_last else self.round.cooperative_steps - self.late

    @property
    def is_due(self) -> bool:
        """Whether this phase ends here, if no gradients wait for a step of the optimizer."""
        return self.step >= self.due or self.ends_run

    @property
    def ends_round(self) -> bool:
        """Whether the round ends with this phase."""
        return self._is_last or self.ends_run

    @property
    def ends_run(self) -> bool:
        """Whether the run ends here, so that neither data nor another phase follows."""
        total_steps = self.round.total_steps
        return total_steps is not None and self.steps_done >= total_steps

    def window(self, size: int) -> int:
        """Return the size of the accumulation window that the next batch belongs to.

        Windows divide a phase. The last one ends with the phase, so that the phase ends with a step
        of the optimizer. If a phase ends late, its windows have one batch from then on.

        Args:
            size: Batches in a window, 1 or more.
        """
        place = self.step - self.begin
        window_begin = self.step - place % size
        return 1 if self.step >= self.due else min(size, self.due - window_begin)

    @property
    def is_overdue(self) -> bool:
        """Whether gradients have extended this phase by a whole round and the longest window."""
        return self.step >= max(self.due, self.begin) + self._patience

    def overdue(self, ranks: Sequence[int]) -> ClanError | None:
        """Return an error if gradients have waited too long after this phase was due to end.

        Args:
            ranks: Ranks on which gradients wait for a step of the optimizer.
        """
        if not self.is_overdue:
            return None
        due, now = self.first_step + self.due, self.first_step + self.step
        return ClanError(
            f"the {self.mode} phase was due to end at step {due}, and at step {now} gradients "
            f"still wait for optimizer.step() on rank {', '.join(map(str, ranks))}: call it more "
            "often, or make rounds longer"
        )

    def idle(self, *, is_pending: bool) -> ClanError | None:
        """Return an error if an optimizer that has made no step in this round will make none.

        A window of accumulation may be longer than a round, and the run may end in a window.

        Args:
            is_pending: Whether gradients wait for a step of the optimizer on this rank.
        """
        waits = self.first_step > 0 if self.ends_run else not self.is_overdue
        if not (self.is_due and self.ends_round) or (is_pending and waits):
            return None
        return ClanError(
            f"the optimizer of this member has made no step in the {self.step} steps of the round, "
            "so its genes had no effect: call member.optimizer.step(); if a framework has made "
            "another optimizer, give that one to the clan; if gradients accumulate over more "
            "batches than a round has, make rounds longer"
        )

    def require_more(self, what: str) -> None:
        """Raise an error if the round is over.

        Args:
            what: Name of the call that comes too late.
        """
        if not self.done:
            return
        if self.ends_run:
            raise ClanError(
                f"the run of {self.steps_done} steps is over, so {what} comes too late: give the "
                "fitness with clan.step(loss), and stop the loop when clan.finished"
            )
        raise ClanError(
            f"this round is over, all {self.step} of its steps are done, so {what} comes too "
            "late: give the fitness with clan.step(loss), and take the next member from "
            "clan.round()"
        )

    def compete(self) -> None:
        """Begin the competitive phase."""
        self.mode, self.begin = "competitive", self.step

    def state_dict(self) -> dict[str, Any]:
        """Return the place in the round, and the form of the round, as plain data."""
        place = {name: getattr(self, name) for name in ("step", "mode", "begin", "done")}
        return {"round": self._form(), "place": place}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load a state that `state_dict` returned.

        Raises:
            ClanError: The state belongs to a round of another form.
        """
        form, place = self._form(), state["place"]
        if state["round"] != form:
            raise ClanError(
                f"this is a round of {form}, and what is loaded one of {state['round']}"
            )
        if not 0 <= place["begin"] <= place["step"] <= self.length + 2 * self._patience:
            raise ClanError(f"there is no step {place['step']} in a round of {form}")
        for name, value in place.items():
            setattr(self, name, value)

    @property
    def _is_last(self) -> bool:
        return self.mode == "competitive" or self.round.cooperative_steps == self.round.length

    @property
    def _patience(self) -> int:
        """Number of steps by which gradients may extend a phase."""
        return max(self.round.length, LONGEST_WINDOW)

    def _form(self) -> dict[str, float]:
        return {
            "round_length": self.length,
            "duty_cycle": self.round.duty_cycle,
            "first_step": self.first_step,
        }
