"""A checksum of the bits of tensors and of their order, the same on every device.

Words of 64 bits are multiplied by odd weights, one for each place, and added up modulo 2**64. First
the upper bits of each word are mixed into the lower ones. Without that, a change of the uppermost
bit, which is a sign, would only flip one bit of the sum, and a second change would undo it.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping

import attrs
import torch
from torch import Tensor

WORDS = 2**17
"""Number of words that are added up at once. They fit into the cache of a processor."""

_FACTOR = 0x9E3779B97F4A7C15  # odd, and without a pattern


@attrs.frozen
class Checksum:
    """The checksums of several tensors, and one of all of them.

    Attributes:
        parts: Checksum of each tensor, by name, 0 to 2**64 - 1.
        total: Checksum of all tensors and of the text that belongs to them, 0 to 2**63 - 1.
    """

    parts: Mapping[str, int]
    total: int


NO_CHECKSUM = Checksum({}, 0)
"""The checksum of a state that is not checked."""


def checksum(tensors: Mapping[str, Tensor], text: str = "") -> Checksum:
    """Return the checksum of tensors, in order, and of a text that belongs to them."""
    parts = {name: checksum_of(tensor) for name, tensor in tensors.items()}
    digest = hashlib.blake2b(text.encode(), digest_size=8)
    for part in parts.values():
        digest.update(part.to_bytes(8, "little"))
    return Checksum(parts, int.from_bytes(digest.digest(), "little") >> 1)


def checksum_of(tensor: Tensor) -> int:
    """Return the checksum of a tensor's elements in order, which ignores their memory layout."""
    tensor = tensor.detach().resolve_conj().resolve_neg()
    data = tensor.contiguous().view(-1).view(torch.uint8)
    weights = _weights(tensor.device)
    sums = [_sum(_words(piece), weights) for piece in data.split(8 * WORDS)]
    total = tensor.nbytes
    for each in torch.stack(sums).tolist():
        total = (total * _FACTOR + each) % 2**64
    return total


def _sum(words: Tensor, weights: Tensor) -> Tensor:
    upper = (words >> 29).bitwise_and_(2**35 - 1)  # torch cannot shift unsigned types
    return upper.bitwise_xor_(words).mul_(weights[: len(words)]).sum()


def _words(data: Tensor) -> Tensor:
    """Return bytes as words. Zeros fill up the last word."""
    if len(data) % 8 or data.storage_offset() % 8:
        padded = data.new_zeros(-(-len(data) // 8) * 8)
        padded[: len(data)] = data
        data = padded
    return data.view(torch.int64)


@functools.cache
def _weights(device: torch.device) -> Tensor:
    """Return an odd number for each place, equal on all ranks."""
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randint(-(2**63), 2**63 - 1, (WORDS,), generator=generator)
    return (numbers | 1).to(device)
