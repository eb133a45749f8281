"""Draws for data: functions of a key alone, equal on every machine and in every version of numpy.

They take the raw words of numpy's Philox generator, whose stream numpy guarantees. The methods of
`numpy.random.Generator` are not used, because their streams may change between versions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from clantune_neuro.noise.shapes import TABLE_BITS, table

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


def uniform(key: Key, shape: Sequence[int]) -> NDArray[np.float64]:
    """Return values above 0 and below 1, in steps of 2^-52."""
    steps = words(key, math.prod(shape)) >> np.uint64(12)
    return ((steps.astype(np.float64) + 0.5) * 2.0**-52).reshape(tuple(shape))


def gumbel(key: Key, shape: Sequence[int]) -> NDArray[np.float64]:
    """Return values of the Gumbel distribution, up to the rounding of logarithms.

    The place of the largest sum of a logit and such a value has the probability of the softmax.
    """
    drawn: NDArray[np.float64] = -np.log(-np.log(uniform(key, shape)))
    return drawn


def permutation(key: Key, count: int) -> NDArray[np.int64]:
    """Return the numbers from 0 up to `count` in random order."""
    return np.argsort(words(key, count), kind="stable").astype(np.int64)


def normal(key: Key, shape: Sequence[int]) -> NDArray[np.float32]:
    """Return values of the standard normal distribution, at most 4.33 in size.

    Each word gives four values, low bits first. A field of 16 bits indexes the table of genes.
    """
    count = math.prod(shape)
    fields = words(key, (count + 3) // 4).astype("<u8").view("<u2")[:count]
    units: NDArray[np.int32] = table("normal").numpy()[fields]
    return (units.astype(np.float32) * np.float32(2.0**-TABLE_BITS)).reshape(tuple(shape))
