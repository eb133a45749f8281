"""The loader of a clan in place of one that Accelerate has prepared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import attrs
import torch
from accelerate import Accelerator
from accelerate.data_loader import DataLoaderDispatcher, DataLoaderShard
from accelerate.utils import send_to_device
from torch.utils.data import IterableDataset

from clantune_clan import ClanError, ClanLoader


@attrs.frozen(eq=False)
class PlacedLoader:
    """A loader of a clan that moves each batch to the device of the accelerator.

    Attributes:
        loader: Loader of the clan.
        device: Device of the batches.
    """

    loader: ClanLoader
    device: torch.device

    @property
    def dataset(self) -> NoReturn:
        """Dataset, which only `accelerator.skip_first_batches` asks for."""
        raise ClanError(
            "the loader of a clan goes on by itself where load_state finds it: leave "
            "accelerator.skip_first_batches out"
        )

    def __len__(self) -> int:
        """Return the number of batches in the next pass."""
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches of a pass."""
        return (send_to_device(batch, self.device, non_blocking=True) for batch in self.loader)


def require_whole_stream(dataloader: Any, accelerator: Accelerator) -> None:
    """Raise an error if a prepared loader reads a stream that is divided among the ranks."""
    is_divided = isinstance(dataloader, DataLoaderShard) and accelerator.num_processes > 1
    if is_divided and isinstance(dataloader.dataset, IterableDataset):
        raise ClanError(
            "the prepared loader reads a part of the stream on each rank, and members that compete "
            "need the same samples: give accelerate_clan the loader before accelerator.prepare"
        )


def batch_size(dataloader: Any, accelerator: Accelerator) -> int | None:
    """Return the samples in a batch of one rank; None if the loader itself says so."""
    if isinstance(dataloader, DataLoaderShard | DataLoaderDispatcher) and accelerator.split_batches:
        return int(dataloader.total_batch_size // accelerator.num_processes)
    return None
