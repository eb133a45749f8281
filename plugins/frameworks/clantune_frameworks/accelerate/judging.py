"""Judges that measure their own model alone, on data that all ranks have in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch.distributed as dist
from accelerate import Accelerator

from clantune_clan import ClanError


@contextlib.contextmanager
def judging_alone(accelerator: Accelerator) -> Iterator[None]:
    """Check that the ranks share no losses inside the block, and do not divide its data.

    Args:
        accelerator: Accelerator of the script.

    Raises:
        ClanError: They do, so members would not be judged by what they have learned.
    """
    before, sums = _passes(accelerator), _collectives()
    yield
    if before != _passes(accelerator) and accelerator.num_processes > 1:
        raise ClanError(
            "the judge reads a loader that accelerator.prepare has divided among the ranks, so "
            "each member would be judged by other samples: give the judge a loader that is not "
            "prepared"
        )
    if sums != _collectives():
        raise ClanError(
            "the judge gathers what the ranks measure, so all members would have the same loss: "
            "let it return the loss of its own model, without gather, gather_for_metrics and "
            "reduce of the accelerator"
        )


def _passes(accelerator: Accelerator) -> list[int]:
    """Return how often each prepared loader was read."""
    return [loader.iteration for loader in accelerator._dataloaders]  # noqa: SLF001


def _collectives() -> int:
    """Return how often the ranks have communicated by the group that Accelerate uses."""
    group: Any = dist.group.WORLD if dist.is_initialized() else None
    return 0 if group is None else int(group._get_sequence_number_for_group())  # noqa: SLF001
