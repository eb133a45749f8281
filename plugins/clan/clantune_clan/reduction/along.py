"""The numbers that ranks add up beside their gradients.

They say which parts of a rank's gradients are finite, which step the rank is in, and whether it
wants to stop.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

STEPS_TOLD_APART = 4
"""Number of successive steps with different codes. A rank that falls behind is found at its first
step, so few codes are enough. Their sums are exact in bfloat16 for up to 256 ranks."""


@attrs.frozen
class Counts:
    """The sums of these numbers over the ranks of a group.

    Attributes:
        sound: Number of ranks whose gradients are all finite.
        torn: Number of ranks whose gradients are finite in some parts only.
        present: Number of ranks that are in the same step as this one.
        stops: Number of ranks that want to stop.
    """

    sound: int
    torn: int
    present: int
    stops: int

    @property
    def divisor(self) -> int:
        """Number of ranks in the mean; 0 if none is finite, or one in some parts only."""
        return 0 if self.torn else self.sound


def numbers_of(step: int, *, stops: bool) -> list[float]:
    """Return the step and the wish of this rank as numbers that can be added up."""
    codes = [float(step % STEPS_TOLD_APART == code) for code in range(STEPS_TOLD_APART)]
    return [*codes, float(stops)]


def read_counts(sound: float, torn: float, numbers: Sequence[float], step: int) -> Counts:
    """Return the counts from sums.

    Args:
        sound: Number of ranks whose gradients are all finite.
        torn: Number of ranks whose gradients are finite in some parts only.
        numbers: Sum of the numbers of all ranks.
        step: Step that this rank is in.
    """
    *codes, stops = map(round, numbers)
    return Counts(round(sound), round(torn), codes[step % STEPS_TOLD_APART], stops)
