"""The words of Philox4x64-10, from numpy and from a twin in integer operations of torch.

The stream is that of `numpy.random.Philox(key=(seed, key)).random_raw`, which numpy guarantees. The
twin computes the same bits on any device. Each word gives four fields of 16 bits, low bits first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_INCREMENTS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_ROUNDS = 10
_LOW = 0xFFFFFFFF
_ALL = 0xFFFFFFFFFFFFFFFF

BLOCK = 65_536
"""Number of fields that are drawn together, a multiple of 4."""


def key_of(name: str, purpose: str = "") -> int:
    """Return the second word of a generator's key: 64 bits of the BLAKE2b of a tensor's name.

    Args:
        name: Name of the tensor, so that tensors of one shape get independent noise.
        purpose: Names a second stream for the same tensor, such as that of its learned rates.
    """
    text = f"{name}\0{purpose}" if purpose else name
    return int.from_bytes(hashlib.blake2b(text.encode()).digest()[:8], "little")


def fields(seed: int, key: int, count: int) -> NDArray[np.uint16]:
    """Return the first `count` fields of a stream."""
    return np.concatenate([*blocks(seed, key, count)])


def blocks(seed: int, key: int, count: int) -> Iterator[NDArray[np.uint16]]:
    """Yield the first `count` fields of a stream, in parts that fit into the cache of a processor.

    Args:
        seed: The first word of the generator's key.
        key: The second word of the generator's key.
        count: Number of fields, 1 or more.
    """
    generator = np.random.Philox(key=np.array([seed, key], dtype=np.uint64))
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        words = generator.random_raw((size + 3) // 4)
        yield words.astype("<u8", copy=False).view("<u2")[:size]


def torch_fields(
    seed: int, key: int, count: int, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Return the same fields as `fields`, computed by torch on a device, as int32."""
    words = _words(seed, key, (count + 15) // 16, device)
    parts = [(words >> shift) & 0xFFFF for shift in (0, 16, 32, 48)]
    return torch.stack(parts, dim=1).reshape(-1)[:count].to(torch.int32)


def _words(seed: int, key: int, blocks: int, device: torch.device | str) -> torch.Tensor:
    """Return four words for each block. numpy counts blocks from 1."""
    first = torch.arange(1, blocks + 1, dtype=torch.int64, device=device)
    second = third = fourth = torch.zeros_like(first)
    for _ in range(_ROUNDS):
        high, low = _product(first, _MULTIPLIERS[0])
        other_high, other_low = _product(third, _MULTIPLIERS[1])
        first, second = other_high ^ second ^ _signed(seed), other_low
        third, fourth = high ^ fourth ^ _signed(key), low
        seed, key = (seed + _INCREMENTS[0]) & _ALL, (key + _INCREMENTS[1]) & _ALL
    return torch.stack([first, second, third, fourth], dim=1).reshape(-1)


def _product(words: torch.Tensor, factor: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the upper and the lower 64 bits of the unsigned products.

    torch multiplies signed words and wraps around. The lower bits are therefore right, and the
    upper bits are put together from products of halves.
    """
    low, high = words & _LOW, (words >> 32) & _LOW
    factor_low, factor_high = factor & _LOW, factor >> 32
    low_low, low_high = low * factor_low, low * factor_high
    high_low, high_high = high * factor_low, high * factor_high
    carry = ((low_low >> 32) & _LOW) + (low_high & _LOW) + (high_low & _LOW)
    upper = high_high + ((low_high >> 32) & _LOW) + ((high_low >> 32) & _LOW) + (carry >> 32)
    return upper, words * _signed(factor)


def _signed(word: int) -> int:
    """Return the signed integer with the same 64 bits."""
    return word - (1 << 64) if word >> 63 else word
