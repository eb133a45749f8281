"""The batches of a clan in the training loop of Lightning, and the length of its run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lightning.fabric.utilities.data import sized_len
from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_warn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
)

from clantune_clan import Clan, ClanError, ClanLoader
from clantune_frameworks.epochs import Epochs
from clantune_frameworks.lightning import access


class ClanBatches:
    """The training loader that Lightning gets. It may ask for it before there is a clan.

    Attributes:
        given: Loader of the user, with the sampler that Lightning gives it.
    """

    def __init__(self, given: DataLoader[Any]) -> None:
        """Take the place of a loader, with as many batches in an epoch."""
        self.given = given
        self._loader: ClanLoader | None = None
        self._epochs: Epochs | None = None

    def deal_by(self, clan: Clan) -> None:
        """Take the batches from the loader of a clan."""
        self._loader = clan.loader(self.given)
        self._epochs = Epochs(self._loader, len(self.given))

    def __len__(self) -> int:
        """Return the number of batches in an epoch, the same as without a clan."""
        return len(self.given)

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches of an epoch."""
        if self._epochs is None:
            raise ClanError("there is no clan yet to deal out batches: Lightning has not begun")
        yield from self._epochs

    def state_dict(self) -> dict[str, Any]:
        """Return the place in the data, so that Lightning knows that a run may go on here."""
        return {} if self._loader is None else self._loader.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on at a place in the data."""
        if self._loader is not None:
            self._loader.load_state_dict(state)


class TrainingData:
    """Answers Lightning's question for the training loader, by batches of the clan if it can.

    Attributes:
        batches: What Lightning gets; None if Lightning keeps its own loader.
    """

    def __init__(self, trainer: Trainer) -> None:
        """Stand between Lightning and the source of its training loader."""
        self.batches: ClanBatches | None = None
        self._trainer = trainer
        self._source = access.training_source(trainer)
        self._ask: Callable[[], Any] = self._source.dataloader
        self._answer: Any = None
        self._epoch = -1  # in which the answer was given
        self._source.dataloader = self._dataloader

    def release(self) -> None:
        """Give Lightning its own source back."""
        vars(self._source).pop("dataloader", None)

    def batches_per_epoch(self) -> float:
        """Return the number of batches of an epoch, as Lightning counts it; infinity if unknown."""
        answer = access.training_loaders(self._trainer)
        if isinstance(answer, DataLoader):
            answer = access.with_sampler(self._trainer, answer)
        length = sized_len(answer) if isinstance(answer, DataLoader | ClanBatches) else None
        return limited(length, self._trainer.limit_train_batches)

    def _dataloader(self) -> Any:
        trainer: Any = self._trainer
        reloads = trainer.reload_dataloaders_every_n_epochs and self._epoch != trainer.current_epoch
        if self._epoch < 0 or reloads:
            self._answer, self._epoch = self._ask(), trainer.current_epoch
            if why := _why_not(trainer, self._answer):
                rank_zero_warn(
                    f"the clan leaves the batches to Lightning, since {why}. So members see "
                    "different data also while they compete, and a resumed run does not go on in "
                    "the middle of an epoch"
                )
            else:
                given = access.with_sampler(trainer, self._answer)
                self._answer = self.batches = ClanBatches(given)
        return self._answer


def require_whole_windows(batches_per_epoch: float, window: int) -> None:
    """Raise an error if Lightning would end an epoch with a shorter step than the others.

    Args:
        batches_per_epoch: Batches in an epoch; infinity if it is unknown.
        window: Batches per step of the optimizer.

    Raises:
        ClanError: The phases of a clan, which have whole steps, would not fit.
    """
    if batches_per_epoch < math.inf and batches_per_epoch % window:
        whole = int(batches_per_epoch // window * window)
        raise ClanError(
            f"an epoch has {batches_per_epoch:g} batches, so its last step has fewer than "
            f"accumulate_grad_batches={window}, and phases of a clan have whole steps: give "
            f"Trainer(limit_train_batches={whole or window}), or another number of batches per step"
        )


def length_of_run(trainer: Trainer, batches_per_epoch: float, *, by_hand: bool) -> int | None:
    """Return the number of batches of a run; None if it is unknown.

    Args:
        trainer: Trainer that counts steps of the optimizer and epochs.
        batches_per_epoch: Batches in an epoch; infinity if it is unknown.
        by_hand: Whether the module steps its optimizers itself, as often as it likes.
    """
    length, window = math.inf, trainer.accumulate_grad_batches
    if trainer.max_epochs not in (None, -1):
        length = trainer.max_epochs * batches_per_epoch
    if trainer.max_steps != -1 and not by_hand:
        epochs, steps = 0, trainer.max_steps
        if batches_per_epoch < math.inf:  # the last window of an epoch may be shorter
            epochs, steps = divmod(steps, math.ceil(batches_per_epoch / window))
        whole = epochs * batches_per_epoch if epochs else 0
        length = min(length, whole + steps * window)
    return int(length) if 0 < length < math.inf else None


def limited(length: int | None, limit: Any) -> float:
    """Return the batches of a loader that a limit of Lightning leaves; infinity if unknown.

    Args:
        length: Batches of the loader; None if they are unknown.
        limit: Number of batches if it is an int, share of them if it is a float; None: all.
    """
    if isinstance(limit, int):
        return limit if length is None else min(length, limit)
    return math.inf if length is None else int(length * (1.0 if limit is None else limit))


def _why_not(trainer: Any, answer: Any) -> str | None:
    """Return why a clan cannot deal out the samples of the training loader, or None."""
    if trainer.overfit_batches:
        return "overfit_batches repeats the same ones"
    if trainer.reload_dataloaders_every_n_epochs:
        return "reload_dataloaders_every_n_epochs replaces the loader in the middle of the run"
    if not isinstance(answer, DataLoader):
        return f"it deals out the samples of one DataLoader, and has got a {type(answer).__name__}"
    if _is_stream(answer):
        return "a stream (IterableDataset) is read by each rank in the way that it is written"
    if type(answer.batch_sampler) is not BatchSampler:
        return f"a {type(answer.batch_sampler).__name__} makes the batches of the DataLoader"
    sampler = type(answer.sampler)
    if sampler not in (RandomSampler, SequentialSampler, DistributedSampler):
        return f"a {sampler.__name__} chooses the samples of the DataLoader"
    prepared = access.with_sampler(trainer, answer)
    if trainer.world_size > 1 and type(prepared.sampler) is not DistributedSampler:
        return "use_distributed_sampler=False says that each rank has data of its own"
    return None


def _is_stream(loader: Any) -> bool:
    return isinstance(getattr(loader, "dataset", None), IterableDataset)
