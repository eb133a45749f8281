"""A request to stop, which comes to some ranks and which all follow at the same place."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

PAUSE = 1.0
"""Seconds between two looks at the store for a request of another rank."""


@attrs.define
class Stop:
    """A request to save and to leave.

    Ranks that average gradients are in the same step, so the request travels with the gradients
    and they all know of it at once. Other ranks look for it at the store.

    Attributes:
        signal: Number of the signal that this rank has received or knows of; 0: there is none.
        is_known_to_peers: Whether all ranks that average gradients with this one know of it.
        is_agreed: Whether all ranks are at a place where they can save and leave.
        leave: Reference to the function that this rank then calls.
    """

    _publish: Callable[[int], None]
    _look: Callable[[], int]
    signal: int = attrs.field(default=0, init=False)
    is_known_to_peers: bool = attrs.field(default=False, init=False)
    is_agreed: bool = attrs.field(default=False, init=False)
    leave: Callable[[], Callable[[], object] | None] = attrs.field(default=lambda: None, init=False)
    _is_public: bool = attrs.field(default=False, init=False)
    _next_look: float = attrs.field(default=0.0, init=False)

    def is_wanted(self) -> bool:
        """Return whether this rank knows of a request. Each step calls this once."""
        if not self._is_public and (self.signal or time.monotonic() >= self._next_look):
            if self.signal:
                self._publish(self.signal)
                self._is_public = True
            elif found := self._look():  # a signal that comes meanwhile is not overwritten
                self.signal, self._is_public = found, True
            self._next_look = time.monotonic() + PAUSE
        return self.signal > 0

    def follow(self) -> None:
        """Leave, if all ranks are at a place where they can."""
        if self.is_agreed and (leave := self.leave()) is not None:
            leave()
