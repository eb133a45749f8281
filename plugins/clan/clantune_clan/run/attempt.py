"""Attempts: what goes wrong on one rank is told to all at the next meeting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import attrs

from clantune_clan.errors import ClanError

T = TypeVar("T")


@attrs.frozen
class Attempt(Generic[T]):
    """What came of a call: its value, or what went wrong.

    Attributes:
        value: What was returned; None if something went wrong.
        problem: What was raised.
    """

    value: T | None
    problem: Exception | None

    @property
    def outcome(self) -> T:
        """What was returned, once it is known that nothing went wrong anywhere."""
        if self.value is None:
            raise ClanError("this attempt has failed, and nobody has looked") from self.problem
        return self.value

    @classmethod
    def of(cls, call: Callable[[], T]) -> Attempt[T]:
        """Call, and keep what comes of it."""
        try:
            return cls(call(), None)
        except Exception as problem:  # noqa: BLE001  (raised on all ranks by who gathers)
            return cls(None, problem)
