"""The batches of a clan, in a loader that Trainer and Accelerate take for one of theirs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import torch
from accelerate.data_loader import IterableDatasetShard
from torch.utils.data import DataLoader, IterableDataset
from transformers import TrainingArguments

from clantune_clan import Clan, ClanError
from clantune_frameworks.epochs import Epochs


class ClanBatches(IterableDataset[Any]):
    """The batches of an epoch.

    Trainer skips the batches of an epoch that were used before a resume, one by one. The clan does
    not read them again, so there are placeholders for them.

    Attributes:
        epochs: Epochs of the clan's loader.
        samples: Number of samples in the dataset; None if it is unknown.
        skipped: Number of batches that Trainer will skip in the next epoch.
    """

    def __init__(self, epochs: Epochs, samples: int | None) -> None:
        """Yield the batches of these epochs."""
        super().__init__()
        self.epochs, self.samples, self.skipped = epochs, samples, 0

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches of the next epoch."""
        skipped, self.skipped = self.skipped, 0
        rest = itertools.islice(self.epochs, len(self.epochs) - skipped)
        return itertools.chain(itertools.repeat(None, skipped), rest)

    def __len__(self) -> int:
        """Return the number of samples, which Trainer reports."""
        if self.samples is None:
            raise TypeError("a stream has no length")
        return self.samples


class ClanDataLoader(DataLoader[Any]):
    """A loader of the batches of a clan.

    Attributes:
        batches: Batches that it yields.
    """

    def __init__(self, batches: ClanBatches) -> None:
        """Yield batches as they are."""
        # An own generator, since a loader without one draws from that of the training.
        super().__init__(
            batches, batch_size=None, collate_fn=_as_it_is, generator=torch.Generator()
        )
        self.batches = batches

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return len(self.batches.epochs)


def updates_in_epoch(given: Any, args: TrainingArguments) -> int:
    """Return the number of optimizer steps in an epoch of Trainer.

    Args:
        given: Training loader of Trainer.
        args: Settings of Trainer. They give the length of a run whose data have none.
    """
    try:
        batches = len(given)
    except TypeError:
        return args.max_steps
    return max(1, math.ceil(batches / args.gradient_accumulation_steps))


def updates_in_run(updates_per_epoch: int, args: TrainingArguments) -> int:
    """Return the number of optimizer steps in a run, as Trainer counts them."""
    if args.max_steps > 0:
        return args.max_steps
    return math.ceil(args.num_train_epochs * updates_per_epoch)


def clan_data_loader(clan: Clan, given: Any, updates_per_epoch: int, window: int) -> ClanDataLoader:
    """Return the loader of a clan that replaces the training loader of Trainer.

    An epoch has whole windows of accumulation, since phases have. Trainer's own last window is
    shorter if they do not divide the epoch.

    Args:
        clan: Clan.
        given: Training loader of Trainer.
        updates_per_epoch: Steps of the optimizer in an epoch.
        window: Batches per step of the optimizer.

    Raises:
        ClanError: The loader has samples or batches of this rank alone.
    """
    if isinstance(given.dataset, IterableDatasetShard):
        raise ClanError(
            "dispatch_batches=False gives each rank a part of the stream, and competing members "
            "need the same samples: leave it out of accelerator_config="
        )
    loader = clan.loader(given)
    samples = None if isinstance(loader.dataset, IterableDataset) else len(loader.dataset)
    return ClanDataLoader(ClanBatches(Epochs(loader, updates_per_epoch * window), samples))


def _as_it_is(batch: Any) -> Any:
    return batch
