"""A checksum of tensors' bits, in which their places count."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import attrs
import torch
import xxhash
from torch import Tensor

from clantune_clan.inheritance.pieces import blocks, is_plain
from clantune_clan.inheritance.words import sum_of_words

STEP = 2**18
"""Elements of a tensor that are copied at once, where they do not lie in order."""


@attrs.frozen
class Checksum:
    """Checksums of several tensors, and one of them all.

    Attributes:
        parts: One for each tensor, 0 to 2**64 - 1.
        total: One of all, and of what else belongs to them, 0 to 2**63 - 1.
    """

    parts: tuple[int, ...]
    total: int


NO_CHECKSUM = Checksum((), 0)
"""Of what nobody has to look at."""


def checksum(tensors: Sequence[Tensor], along: str = "") -> Checksum:
    """Return the checksum of tensors, in order, and of a text that belongs to them."""
    parts = tuple(checksum_of(tensor) for tensor in tensors)
    data = b"".join(part.to_bytes(8, "little") for part in parts) + along.encode()
    return Checksum(parts, xxhash.xxh3_64_intdigest(data) >> 1)


def checksum_of(tensor: Tensor) -> int:
    """Return the checksum of a tensor's elements in order, whatever their layout in memory.

    Tensors are comparable that are on devices of one kind.
    """
    tensor = tensor.detach()
    return hash_of_bytes(tensor) if tensor.device.type == "cpu" else sum_of_words(tensor)


def hash_of_bytes(tensor: Tensor) -> int:
    """Return the checksum of a tensor in the main memory, as fast as that can be read."""
    if is_plain(tensor):
        return xxhash.xxh3_64_intdigest(_bytes(tensor))
    digest = xxhash.xxh3_64()
    for begin in range(0, tensor.numel(), STEP):
        for block in blocks(tensor, begin, min(begin + STEP, tensor.numel())):
            in_order = block.clone(memory_format=torch.contiguous_format)
            digest.update(_bytes(in_order))
    return digest.intdigest()


def _bytes(tensor: Tensor) -> ctypes.Array[ctypes.c_char]:
    """Return the memory of a plain tensor, without a copy; torch itself asks for no numpy."""
    return (ctypes.c_char * tensor.nbytes).from_address(tensor.data_ptr())
