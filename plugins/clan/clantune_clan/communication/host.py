"""Calls that need the process that hosts the store, which may be stopped or gone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

import torch.distributed as dist

from clantune_clan.communication.patience import within
from clantune_clan.errors import CommunicationError

T = TypeVar("T")

GRACE = 3.0
"""Seconds for which a rank that failed waits until the others report where they are."""

MARGIN = 5.0
"""Seconds that the host of the store may take for its answers, on a busy machine."""


class Host:
    """Calls functions that use the store, with a deadline. torch itself has none for the answers.

    Attributes:
        grace: Seconds for which a rank that failed waits until the others report where they are.
    """

    def __init__(self, timeout: timedelta) -> None:
        """Set the deadline.

        Args:
            timeout: Time for which a rank waits for another one.
        """
        half = timeout.total_seconds() / 2  # so that all ends within twice the timeout
        self.grace = min(GRACE, half)
        self._seconds = timeout.total_seconds() + self.grace + min(MARGIN, half)
        self._is_lost = False

    def call(self, function: Callable[[], T]) -> T:
        """Return the value of a function, which runs in a thread of its own.

        Raises:
            CommunicationError: The host is gone, or has not answered in time.
        """
        if not self._is_lost:
            with contextlib.suppress(TimeoutError), _reaching():
                return within(self._seconds, function)
        self._is_lost = True  # its connection is blocked from now on
        raise CommunicationError(
            "the process that hosts the store, which is rank 0 unless the launcher hosts it, has "
            f"not answered within {self._seconds:g} s: is it stopped, or its machine gone?",
            missing=(0,),
        )


@contextlib.contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except dist.DistNetworkError as error:
        raise CommunicationError(
            "the process that hosts the store, which is rank 0 unless the launcher hosts it, "
            f"is gone; see its log ({str(error).splitlines()[0]})",
            missing=(0,),
        ) from error
