"""Draws for data: functions of a key alone, equal on every machine and in every version of numpy.

They take the raw words of numpy's Philox generator, whose stream numpy guarantees. The methods of
`numpy.random.Generator` are not used, because their streams may change between versions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Key = Sequence[int | str]


def words(key: Key, count: int) -> NDArray[np.uint64]:
    """Return uniform words of 64 bits.

    Args:
        key: Numbers and names. Keys that differ give independent words.
        count: Number of words.
    """
    digest = blake2b(repr(tuple(key)).encode(), digest_size=16).digest()
    generator = np.random.Philox(key=np.frombuffer(digest, dtype="<u8"))
    return np.asarray(generator.random_raw(count), dtype=np.uint64)


def integers(key: Key, count: int, below: int) -> NDArray[np.int64]:
    """Return uniform integers from 0 up to, and without, `below`, which is at most 2^32."""
    high = words(key, count) >> np.uint64(32)
    return ((high * np.uint64(below)) >> np.uint64(32)).astype(np.int64)


def permutation(key: Key, count: int) -> NDArray[np.int64]:
    """Return the numbers from 0 up to `count` in random order."""
    return np.argsort(words(key, count), kind="stable").astype(np.int64)


def normal(key: Key, shape: Sequence[int]) -> NDArray[np.float32]:
    """Return values of the standard normal distribution, at most 4.33 in size.

    Each word gives four values, low bits first. A field of 16 bits indexes a table of quantiles.
    """
    count = math.prod(shape)
    fields = words(key, (count + 3) // 4).astype("<u8").view("<u2")[:count]
    values: NDArray[np.float32] = _quantiles()[fields]
    return values.reshape(tuple(shape))


@lru_cache(maxsize=1)
def _quantiles() -> NDArray[np.float32]:
    """Return the 65,536 quantiles at (k + 1/2) / 65,536, scaled to unit variance.

    They are rounded to 2^-24, so that a last bit of the logarithm cannot show on another machine.
    """
    half = [NormalDist().inv_cdf((k + 0.5) / 65_536) for k in range(32_768, 65_536)]
    size = math.sqrt(math.fsum(value * value for value in half) / len(half))
    upper = np.array([round(value / size * 2**24) for value in half]) / 2**24
    return np.concatenate([-upper[::-1], upper]).astype(np.float32)
