"""What a script gives to `clan.loader`: a dataset, or a `DataLoader` that it has made."""

from __future__ import annotations

from typing import Any

from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
)

from clantune_clan.errors import ClanError

_TAKEN_OVER = (
    "num_workers",
    "collate_fn",
    "pin_memory",
    "timeout",
    "worker_init_fn",
    "multiprocessing_context",
    "prefetch_factor",
    "persistent_workers",
)

_READ_IT = (
    "; or read this loader in the script itself, and members have no common window of data when "
    "they compete"
)


def arguments_for(given: Any, batch_size: int | None) -> dict[str, Any]:
    """Return the arguments of `clan_loader` for a dataset, or for a `DataLoader` to make it like.

    Args:
        given: Dataset or loader.
        batch_size: Samples in a batch of one rank; None: 1, or as in the loader.
    """
    if not isinstance(given, DataLoader):
        return {"dataset": given, "batch_size": 1 if batch_size is None else batch_size}
    found = _arguments_of(given)
    return found if batch_size is None else {**found, "batch_size": batch_size}


def _arguments_of(loader: DataLoader[Any]) -> dict[str, Any]:
    """Return the arguments of `clan_loader` that make a loader with the same samples and options.

    The order becomes that of the clan: by phase, and shuffled if it was.

    Raises:
        ClanError: The loader has a sampler whose order a clan cannot keep.
    """
    if isinstance(loader.dataset, IterableDataset):
        size, drop_last, shuffle = loader.batch_size, loader.drop_last, None
    else:
        # Accelerate puts a sampler of its own, which deals batches to ranks, around that of torch.
        batches: Any = getattr(loader.batch_sampler, "batch_sampler", loader.batch_sampler)
        if type(batches) is not BatchSampler:
            raise ClanError(_refused("makes batches", batches, "give it batch_size= instead"))
        size, drop_last = batches.batch_size, batches.drop_last
        shuffle = _is_shuffled(batches.sampler)
    if size is None:
        raise ClanError(
            "the DataLoader has batch_size=None, and a clan makes batches itself: give it a "
            f"batch_size and a dataset of samples{_READ_IT}"
        )
    return {
        "dataset": loader.dataset,
        "batch_size": size,
        "drop_last": drop_last,
        "shuffle": shuffle,
        **{name: getattr(loader, name) for name in _TAKEN_OVER},
    }


def _is_shuffled(sampler: Any) -> bool:
    if isinstance(sampler, DistributedSampler):
        return sampler.shuffle
    if isinstance(sampler, SequentialSampler):
        return False
    is_plain = isinstance(sampler, RandomSampler) and not sampler.replacement
    if is_plain and sampler.num_samples == len(sampler.data_source):
        return True
    raise ClanError(_refused("draws samples", sampler, "use shuffle= instead"))


def _refused(does: str, sampler: Any, instead: str) -> str:
    return (
        f"the DataLoader {does} by a {type(sampler).__name__}, and a clan deals samples by the "
        f"number of the step, alike on all ranks: {instead}{_READ_IT}"
    )
