"""Clans for scripts that use Accelerate, with what `accelerator.prepare` has returned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import torch
from accelerate import Accelerator, DistributedType
from accelerate.data_loader import DataLoaderDispatcher, DataLoaderShard
from accelerate.utils import send_to_device
from torch import nn
from torch.utils.data import IterableDataset

from clantune_clan import Clan, ClanError, ClanLoader, Individual, RoundRecord
from clantune_frameworks.genes import require_no_accumulation
from clantune_frameworks.metrics import competition_of, metrics_of

FOLDER = "clan"
"""Folder of the clan in a checkpoint of Accelerate."""

_REFUSED = {
    DistributedType.DEEPSPEED: "DeepSpeed, which averages gradients itself",
    DistributedType.MEGATRON_LM: "Megatron-LM, which averages gradients itself",
    DistributedType.FSDP: "FSDP, and a clan shards each member over its own ranks",
    DistributedType.XLA: "XLA, which a clan does not know",
}


@attrs.frozen(eq=False)
class PlacedLoader:
    """A loader of a clan that moves each batch to the device of the accelerator.

    Attributes:
        loader: Loader of the clan.
        device: Device of the batches.
    """

    loader: ClanLoader
    device: torch.device

    def __len__(self) -> int:
        """Return the number of batches in the next pass."""
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches of a pass."""
        return (send_to_device(batch, self.device, non_blocking=True) for batch in self.loader)


def accelerate_clan(
    accelerator: Accelerator,
    model: nn.Module,
    optimizer: Any,
    dataloader: Any,
    scheduler: Any = None,
    **options: Any,
) -> tuple[Clan, Any]:
    """Return a clan, and its loader in place of the prepared one. All ranks call this together.

    `accelerator.accumulate`, `clip_grad_norm_`, `backward` and `log` go on working. `save_state`
    writes the clan into the checkpoint, with the best weights as the model; `load_state` before the
    first round brings it back.

    Args:
        accelerator: Accelerator of the script.
        model: Model that it has prepared.
        optimizer: Optimizer that it has prepared, or several: a list, or by name.
        dataloader: Loader of the training data, prepared or not.
        scheduler: Learning rate scheduler that it has prepared, or a list of them.
        options: Further options of `Clan`, such as `epochs`, `total_steps` and `autobind`.

    Raises:
        ClanError: The accelerator uses a kind of training that a clan does not know.
    """
    if (why := _REFUSED.get(accelerator.distributed_type)) is not None:
        raise ClanError(
            f"the accelerator trains by {why}: use Accelerator() with plain data parallel training"
        )
    _require_whole_stream(dataloader, accelerator)
    tracker = _Tracker(accelerator)
    given = {
        "accumulate": accelerator.gradient_accumulation_steps,
        "scaler": accelerator.scaler,
        "observers": [*options.pop("observers", ()), tracker],
        **options,
    }
    clan = Clan(model=model, optimizer=optimizer, scheduler=_bare(scheduler), **given)
    require_no_accumulation(
        clan.genome, "Accelerate", "set gradient_accumulation_steps of the accelerator"
    )
    loader = clan.loader(dataloader, batch_size=_batch_size(dataloader, accelerator))
    _register(accelerator, clan, model)
    return clan, PlacedLoader(loader, accelerator.device)


def _require_whole_stream(dataloader: Any, accelerator: Accelerator) -> None:
    """Raise an error if a prepared loader reads a stream that is divided among the ranks."""
    is_divided = isinstance(dataloader, DataLoaderShard) and accelerator.num_processes > 1
    if is_divided and isinstance(dataloader.dataset, IterableDataset):
        raise ClanError(
            "the prepared loader reads a part of the stream on each rank, and members that compete "
            "need the same samples: give accelerate_clan the loader before accelerator.prepare"
        )


def _bare(scheduler: Any) -> Any:
    """Return a scheduler, or schedulers, without the wrapper of Accelerate."""
    if isinstance(scheduler, Sequence):
        return [_bare(each) for each in scheduler]
    return getattr(scheduler, "scheduler", scheduler)


def _batch_size(dataloader: Any, accelerator: Accelerator) -> int | None:
    """Return the samples in a batch of one rank; None if the loader itself says so."""
    if isinstance(dataloader, DataLoaderShard | DataLoaderDispatcher) and accelerator.split_batches:
        return int(dataloader.total_batch_size // accelerator.num_processes)
    return None


def _register(accelerator: Accelerator, clan: Clan, model: nn.Module) -> None:
    """Let checkpoints of the accelerator contain the clan."""

    def save(models: Sequence[nn.Module], weights: list[Mapping[str, Any]], folder: str) -> None:
        bare = [accelerator.unwrap_model(each) for each in (*models, model)]
        place = [each is bare[-1] for each in bare].index(True)
        best = clan.best().state_dict()
        if not clan.finished:
            clan.save(Path(folder) / FOLDER)
        # The keys are those of the wrapped model, in the same order.
        weights[place] = dict(zip(weights[place], best.values(), strict=True))

    def load(models: Sequence[nn.Module], folder: str) -> None:  # noqa: ARG001
        if not (Path(folder) / FOLDER).is_dir():
            raise ClanError(
                f"there is no clan in the checkpoint {folder}: it was saved without one, or at the "
                "end of a run; load it before accelerate_clan(...), and the clan begins with its "
                "weights"
            )
        clan.resume(Path(folder) / FOLDER)

    accelerator.register_save_state_pre_hook(save)
    accelerator.register_load_state_pre_hook(load)


@attrs.frozen(eq=False)
class _Tracker:
    """Logs what a clan finds by the trackers of an accelerator, on the main process."""

    accelerator: Accelerator

    def on_phase(self, member: Individual) -> None:
        self._log(competition_of(member), member.steps_done)

    def on_round_end(self, records: Sequence[RoundRecord]) -> None:
        self._log(metrics_of(records), records[0].start + records[0].steps)

    def _log(self, metrics: dict[str, float], batches: int) -> None:
        # Scripts count steps of the optimizer, and trackers drop what comes at an earlier step.
        steps = batches // self.accelerator.gradient_accumulation_steps
        self.accelerator.log(metrics, step=steps)
