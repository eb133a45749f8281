"""Checks and defaults of the arguments of `clan_loader`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from torch import distributed
from torch.utils.data import IterableDataset

from clantune_clan.errors import ClanError, LoaderError
from clantune_clan.schedule import Schedule

_DEALT = (
    "which samples a batch holds follows from the number of its step, alike on all ranks; use "
    "shuffle= and seed=, or put the dataset in order"
)

_REFUSED = {
    "sampler": _DEALT,
    "batch_sampler": _DEALT,
    "generator": "the orders and the seeds of workers follow from seed=, also after a resume",
}


def check_whole(name: str, what: str, value: object, low: int) -> None:
    """Raise an error if a value is not an integer of at least `low`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise ClanError(f"{name} is {what}, {low} or more; got {value!r}")


def check_options(options: Mapping[str, Any]) -> None:
    """Raise an error for options of a `DataLoader` that contradict the clan's distribution."""
    for name in options:
        if name in _REFUSED:
            raise ClanError(f"A clan's loader takes no {name}=: {_REFUSED[name]}")
    if not options.get("in_order", True):
        raise ClanError("A clan's loader takes no in_order=False: a batch belongs to its step")


def check_stream(shuffle: bool | None, num_workers: int) -> None:
    """Raise an error for arguments that a stream does not support."""
    if shuffle:
        raise ClanError("A stream cannot be shuffled: its order is its own; leave shuffle= out")
    if num_workers > 1:
        raise ClanError(
            "num_workers is 0 or 1 for a stream, since each worker would read all of it; "
            f"got {num_workers}"
        )


def samples_of(dataset: Any) -> int | None:
    """Return the number of samples in a dataset, or None for a stream."""
    if isinstance(dataset, IterableDataset):
        return None
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise LoaderError(
            f"{type(dataset).__name__} is not a dataset: it needs __len__ and __getitem__, or, if "
            "it is a stream, torch.utils.data.IterableDataset as a base class"
        )
    return len(dataset)


def resolve_schedule(
    schedule: Schedule | None, round_length: int | None, duty_cycle: float | None
) -> Schedule:
    """Return the schedule, from the argument itself or from its two numbers."""
    if schedule is None and round_length is not None and duty_cycle is not None:
        return Schedule(round_length, duty_cycle)
    if isinstance(schedule, Schedule) and round_length is None and duty_cycle is None:
        return schedule
    raise ClanError(
        "The loader needs to know when members compete: give the clan's round_length= and "
        "duty_cycle=, or its schedule= instead of both; or use clan.loader(...)"
    )


def rank_and_world_size(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Return this rank and the number of ranks, from arguments or the environment."""
    if rank is None and world_size is None:
        return _as_started()
    if rank is None or world_size is None:
        raise ClanError("rank= and world_size= are given together, or neither is")
    check_whole("world_size", "a number of ranks", world_size, 1)
    check_whole("rank", "the number of a rank", rank, 0)
    if rank >= world_size:
        raise ClanError(f"rank is below world_size, which is {world_size}; got {rank}")
    return rank, world_size


def _as_started() -> tuple[int, int]:
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    # torchrun sets these before a process group exists. Without them, each rank would get all data.
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    return 0, 1
