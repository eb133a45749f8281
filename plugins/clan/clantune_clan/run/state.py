"""The place in a run, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from clantune_clan.errors import ClanError
from clantune_clan.run.best import Best
from clantune_clan.run.calibration import Calibration


@attrs.define
class RunState:
    """The state that a run needs to resume, besides the members themselves.

    The place inside a round is part of the member's state (`member.state_dict()`). Random streams
    have no state: each is keyed by the seed, the round and the member.

    Attributes:
        seed: Seed of all random streams.
        round: Number of complete rounds.
        step: Number of steps in these rounds.
        is_in_round: Whether a round has begun that has no metric yet.
        all_lost: Whether no member had a finite metric in the last complete round.
        best: Best weights so far.
        calibration: Search for the learning rate, or None if it is over or not part of the run.
        continues: In the first round after a resume with another number of members or ranks, the
            member of the round before that each member goes on from; otherwise None.
    """

    seed: int
    round: int = 0
    step: int = 0
    is_in_round: bool = False
    all_lost: bool = False
    best: Best = attrs.field(factory=Best)
    calibration: Calibration | None = None
    continues: list[int] | None = None

    def continued_by(self, member: int) -> int | None:
        """Return the member of the round before that a member goes on from; see `continues`."""
        return None if self.continues is None else self.continues[member]

    def state_dict(self) -> dict[str, Any]:
        """Return tensors and plain data."""
        calibration = None if self.calibration is None else self.calibration.state_dict()
        data = attrs.asdict(self, recurse=False)
        return {**data, "best": self.best.state_dict(), "calibration": calibration}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load a state that `state_dict` returned.

        Raises:
            ClanError: The state is of another kind, or of a run with another seed.
        """
        names = {field.name for field in attrs.fields(RunState)}
        if unknown := state.keys() ^ names:
            raise ClanError(
                f"this is not the state of a run: {', '.join(sorted(unknown))} is unknown or "
                "missing; load what state_dict() returned"
            )
        if state["seed"] != self.seed:
            raise ClanError(
                f"this run has seed {self.seed}, and the loaded one {state['seed']}: make the "
                f"clan with seed={state['seed']}"
            )
        calibration = state["calibration"]
        if calibration is not None:
            calibration = Calibration.from_state_dict(calibration)
        best = Best.from_state_dict(state["best"])
        for name, value in {**state, "best": best, "calibration": calibration}.items():
            setattr(self, name, value)
