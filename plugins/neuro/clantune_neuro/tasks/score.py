"""What a task returns for one network."""

from __future__ import annotations

import math
from typing import Any

import attrs

from clantune_neuro.tasks.trace import RowTrace


def _number(value: Any) -> float:
    """Return a number, or the only value of a tensor, as a float."""
    return float(value)


@attrs.frozen
class Score:
    """How well one network does. Higher is better.

    Attributes:
        base: What selection looks at first. A member whose base is not finite is dead.
        intrinsic: What decides between members of equal base, higher is better.
        trace: Which rows of a bank gave the answers, or `None` where the network has no bank.
        frames: Number of game frames that the evaluation took; 0 for tasks without games.
    """

    base: float = attrs.field(converter=_number)
    intrinsic: float = attrs.field(default=0.0, converter=_number)
    trace: RowTrace | None = None
    frames: int = 0

    @property
    def dead(self) -> bool:
        """Whether the member counts as dead: a number is NaN or infinite."""
        return not (math.isfinite(self.base) and math.isfinite(self.intrinsic))

    @property
    def order(self) -> tuple[float, float]:
        """The score as a key to sort by. Dead members come before all others."""
        return (-math.inf, -math.inf) if self.dead else (self.base, self.intrinsic)
