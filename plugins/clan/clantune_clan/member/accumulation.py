"""Windows of gradient accumulation, which tile a phase."""

from __future__ import annotations


def window(size: int, place: int, length: int) -> int:
    """Return the size of the window that a batch belongs to.

    The last window of a phase is as long as what is left, so that each phase ends with a step of
    the optimizer: nothing is left over to be mixed into the next phase.

    Args:
        size: Batches in a window, 1 or more.
        place: How many batches of the phase came before.
        length: How many it has.
    """
    start = place - place % size
    return min(size, length - start)
