"""Warm-up and cooldown of the learning rate."""

from __future__ import annotations

import attrs

from clantune_clan.errors import ClanError


@attrs.frozen
class Ramp:
    """Linear warm-up and cooldown over the steps of a run or of a round.

    Attributes:
        start: First step.
        end: Step after the last one; None if the length is unknown, and then the factor is 1.
        warmup: Number of steps in which the factor rises to 1.
        cooldown: Number of steps at the end in which the factor falls to 0.
    """

    start: int = 0
    end: int | None = None
    warmup: float = 0.0
    cooldown: float = 0.0

    @classmethod
    def of_run(cls, start: int, end: int | None, warmup: float, cooldown: float) -> Ramp:
        """Return the ramp of a run, for warm-up and cooldown as shares of all its steps.

        Raises:
            ClanError: A share is not in 0 to 1.
        """
        for name, share in (("warmup", warmup), ("cooldown", cooldown)):
            if not 0.0 <= share <= 1.0:
                raise ClanError(f"{name} is a share of the run, 0 to 1; got {share!r}")
        return cls(start, end, warmup * (end or 0), cooldown * (end or 0))

    def factor(self, step: int) -> float:
        """Return the factor in a step, counted from 0 over the whole run."""
        if self.end is None:
            return 1.0
        up = (step - self.start + 1) / max(1.0, self.warmup)
        down = (self.end - step) / max(1.0, self.cooldown)
        return max(0.0, min(1.0, up, down))
