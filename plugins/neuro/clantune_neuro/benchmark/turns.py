"""Times of calls that take turns, so that a busy moment of the machine meets all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import attrs
import torch


@attrs.frozen
class Times:
    """How long a call took, in milliseconds of this process.

    Attributes:
        all: Every time, in the order of the turns.
    """

    all: tuple[float, ...]

    @property
    def shortest(self) -> float:
        """The shortest time."""
        return min(self.all)

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.all)


def in_turns(
    calls: Mapping[str, Callable[[], object]], repeats: int, *, warm: bool = True
) -> dict[str, Times]:
    """Return the times of each call.

    Args:
        calls: What to call, by name.
        repeats: How many turns each of them has.
        warm: Whether each is called once before, without being timed.
    """
    for call in calls.values() if warm else ():
        call()
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            call()
            found[name].append((time.process_time() - start) * 1e3)
    return {name: Times(tuple(times)) for name, times in found.items()}


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
