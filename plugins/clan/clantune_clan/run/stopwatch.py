"""How long the parts of a round take."""

from __future__ import annotations

import time

from clantune_clan.member.individual import Individual
from clantune_clan.records.parts import EVALUATION, PHASES


class Stopwatch:
    """Measures the parts of a round, which follow each other."""

    def __init__(self) -> None:
        """Begin without a part."""
        self._seconds: dict[str, float] = {}
        self._part: str | None = None
        self._began = 0.0

    def follow(self, member: Individual) -> None:
        """Enter the part of the round in which a member is now."""
        self.enter(EVALUATION if member.done else PHASES[member.mode])

    def enter(self, part: str | None) -> None:
        """End the current part, and begin another one or none."""
        now = time.perf_counter()
        if self._part is not None:
            self._seconds[self._part] = self._seconds.get(self._part, 0.0) + now - self._began
        self._part, self._began = part, now

    def take(self) -> dict[str, float]:
        """Return the seconds of each part since the last call, and end the current part."""
        self.enter(None)
        seconds, self._seconds = self._seconds, {}
        return seconds
