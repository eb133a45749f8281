"""A broadcast of many tensors, packed into buckets."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch.distributed as dist
from torch import Tensor

from clantune_clan.communication.buckets import Outline, buckets_of


def send(
    tensors: Iterable[Tensor],
    group: dist.ProcessGroup,
    source: int,
    finish: Callable[[dist.Work | None, str], None],
) -> None:
    """Fill tensors with those of one rank. All ranks of a group call this together.

    Args:
        tensors: Tensors of the same shapes and types on all ranks.
        group: Ranks that get the tensors.
        source: Rank that sends them, counted among all ranks.
        finish: Function that waits for work, and reports where all ranks are when it fails.
    """
    by_outline = {Outline.of(str(i), t): t.detach() for i, t in enumerate(tensors)}
    for bucket in buckets_of(by_outline):
        packed = bucket.pack(by_outline, by_outline[bucket.rows[0].outline].device)
        data = packed.view(torch.uint8)  # gloo cannot broadcast every type
        finish(dist.broadcast(data, src=source, group=group, async_op=True), "a broadcast")
        if dist.get_rank() != source:
            bucket.unpack(packed, by_outline)
