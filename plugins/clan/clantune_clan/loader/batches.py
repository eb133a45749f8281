"""Inputs of a `torch.utils.data.DataLoader`: a sampler of batches, or a stream cut into them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import attrs
import torch
from torch.utils.data import Dataset, IterableDataset, Sampler

from clantune_clan.loader.deal import Deal, Window
from clantune_clan.loader.order import Order
from clantune_clan.loader.place import Place


class MapBatches(Sampler[list[int]]):
    """Yields the indices of a rank's batches, from `place` to the end of the epoch."""

    def __init__(self, deal: Deal, order: Order, rank: int) -> None:
        self._deal, self._order, self._rank = deal, order, rank
        self.place = Place(epoch=0, first=0)

    def __iter__(self) -> Iterator[list[int]]:
        order = self._order.of_epoch(self.place.epoch)[self.place.skipped :]
        for window in self._windows(self.place):
            yield order[self._deal.share(window, self._rank)].tolist()

    def left(self, place: Place) -> int:
        """Return the number of batches from a place to the end of its epoch."""
        return sum(1 for _ in self._windows(place))

    def _windows(self, place: Place) -> Iterator[Window]:
        left = (self._order.samples or 0) - place.skipped
        if place.skipped and not self._deal.suffices(left):
            return iter(())  # other ranks have used the rest of the epoch
        return itertools.islice(self._deal.windows(place.first, left), place.batches, None)


class StreamBatches(IterableDataset[list[Any]]):
    """Cuts a stream into windows and yields a rank's shares, from `place` to the end.

    Attributes:
        dataset: Stream, which every rank reads as a whole.
    """

    def __init__(self, dataset: Dataset[Any], deal: Deal, rank: int) -> None:
        self.dataset, self._deal, self._rank = dataset, deal, rank
        # Shared memory, so that a persistent worker reads the start of the next epoch.
        self._place = torch.zeros(4, dtype=torch.int64, device="cpu")
        self._place.share_memory_()

    @property
    def place(self) -> Place:
        """The place at which the next pass starts."""
        return Place(*self._place.tolist())

    @place.setter
    def place(self, place: Place) -> None:
        self._place[:] = torch.tensor(attrs.astuple(place), device="cpu")

    def __iter__(self) -> Iterator[list[Any]]:
        place = self.place
        if hasattr(self.dataset, "set_epoch"):
            self.dataset.set_epoch(place.epoch)
        samples, ahead = itertools.islice(iter(self.dataset), place.skipped, None), list[Any]()
        for step in itertools.count(place.first):
            ahead += itertools.islice(samples, self._deal.lookahead - len(ahead))
            if step == place.first and not self._deal.suffices(len(ahead)):
                if place.skipped:
                    return  # other ranks have used the rest of the epoch
                self._deal.check_suffices(len(ahead), "The stream ended after")
            taken = self._deal.taken(step, len(ahead))
            if not taken:
                return
            if step >= place.step:
                yield ahead[self._deal.share(Window(step, 0, taken), self._rank)]
            del ahead[:taken]
