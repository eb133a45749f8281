"""Tensors as bytes and back: what travels is contiguous, and of one type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

LIMIT = 25 * 2**20
"""Bytes that are packed together."""


def batches(tensors: Iterable[Tensor], limit: int = LIMIT) -> Iterator[list[Tensor]]:
    """Return the tensors in groups that are packed together: on one device, not too large."""
    batch: list[Tensor] = []
    size = 0
    for tensor in tensors:
        if batch and (size + tensor.nbytes > limit or tensor.device != batch[0].device):
            yield batch
            batch, size = [], 0
        batch.append(tensor)
        size += tensor.nbytes
    if batch:
        yield batch


def pack(tensors: Sequence[Tensor]) -> Tensor:
    """Return the bytes of tensors on one device, one after the other."""
    return torch.cat([t.detach().contiguous().reshape(-1).view(torch.uint8) for t in tensors])


def unpack(packed: Tensor, tensors: Sequence[Tensor]) -> None:
    """Fill tensors with bytes that `pack` returned for tensors of the same shapes and types."""
    with torch.no_grad():
        for part, tensor in zip(packed.split([t.nbytes for t in tensors]), tensors, strict=True):
            # A copy, because the bytes of a type that needs more alignment may lie anywhere.
            tensor.copy_(part.clone().view(tensor.dtype).reshape(tensor.shape))
