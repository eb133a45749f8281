"""The batches of a clan, cut into the epochs that a framework counts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from clantune_clan import ClanLoader


class Epochs:
    """A loader of the clan as a framework sees it: every epoch has the same number of batches.

    The passes of a clan's loader differ in length, since members that compete use the same samples.
    Frameworks count steps by the length that they have asked for once. So an epoch of the framework
    goes on where the last one has stopped, in the middle of a pass.

    Attributes:
        loader: Loader of the clan.
        length: Number of batches in an epoch of the framework.
    """

    def __init__(self, loader: ClanLoader, length: int) -> None:
        """Cut the batches of a loader into epochs."""
        self.loader, self.length = loader, length
        self._batches = _to_the_end(loader)

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return self.length

    def __iter__(self) -> Iterator[Any]:
        """Yield the next batches of the clan: as many as an epoch has, or the last of its run."""
        return itertools.islice(self._batches, self.length)


def _to_the_end(loader: ClanLoader) -> Iterator[Any]:
    """Yield the batches of one pass after the other, until the run of the clan is over."""
    while not loader.schedule.is_over_at(loader.step):
        yield from loader
