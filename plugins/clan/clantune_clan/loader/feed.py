"""Batches of a loader over several rounds, which may end in the middle of an epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from clantune_clan.errors import LoaderError

_END = object()


class Feed:
    """Reads a loader pass after pass, and continues at the batch where the last round stopped."""

    def __init__(self) -> None:
        """Start without a loader."""
        self._loader: Iterable[Any] | None = None
        self._batches: Iterator[Any] = iter(())
        self._passes = self._given = 0

    def next(self, loader: Iterable[Any]) -> Any:
        """Return the next batch. If the loader has changed, start from its first batch.

        Raises:
            LoaderError: The loader has no batches, or cannot be iterated a second time.
        """
        if loader is not self._loader:
            self._loader, self._passes, self._given = loader, 0, 0
            self._begin(loader)
        batch = next(self._batches, _END)
        if batch is _END:
            self._begin(loader)
            batch = next(self._batches, _END)
        if batch is _END:
            raise LoaderError(
                f"the loader has no batch for this step, after {self._given} in all: give "
                "member.batches(...) a loader that can be read again and again, such as "
                "clan.loader(...) or a DataLoader, not a generator"
            )
        self._given += 1
        return batch

    def close(self) -> None:
        """Release the loader, and the workers of its last pass."""
        self._loader, self._batches = None, iter(())

    def _begin(self, loader: Iterable[Any]) -> None:
        """Begin a pass, in a new order if the sampler has one for each epoch."""
        set_epoch = getattr(getattr(loader, "sampler", None), "set_epoch", None)
        if set_epoch is not None:
            set_epoch(self._passes)
        self._passes += 1
        self._batches = iter(loader)
