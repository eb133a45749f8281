"""Exact arithmetic of integers in tensors: scaling, powers of two, square roots, rows.

Floating-point results differ between machines in their last bits, so no float takes part in a
weight. The one exception is the first guess of a square root, which integers then correct.
"""

from __future__ import annotations

import functools
import math

import torch

from clantune_neuro.lineage.strengths import POWER_BITS


@functools.cache
def powers(count: int) -> tuple[int, ...]:
    """Return 2^(k / count) for k from 0 to count - 1, rounded, in units of 2^-20.

    Args:
        count: A power of two, so that repeated square roots give the root.
    """
    return tuple((_root(k + (POWER_BITS + 1) * count, count) + 1) // 2 for k in range(count))


def _root(exponent: int, degree: int) -> int:
    """Return the root of 2^exponent, rounded down."""
    value: int = 1 << exponent
    for _ in range(degree.bit_length() - 1):
        value = math.isqrt(value)
    return value


def scaled(values: torch.Tensor, factor: int, shift: int) -> torch.Tensor:
    """Return `values * factor / 2^shift`, rounded to the nearest integer, as int64.

    Args:
        values: Integers whose products with the factor have less than 62 bits.
        factor: An integer.
        shift: From 1 to 62.
    """
    return (values.to(torch.int64) * factor).add_(1 << (shift - 1)).bitwise_right_shift_(shift)


def square_root(squares: torch.Tensor) -> torch.Tensor:
    """Return the square roots of integers from 0 to 2^62, rounded down, as int64."""
    guess = squares.to(torch.float64).sqrt().to(torch.int64)
    guess = guess - (guess * guess > squares).to(torch.int64)
    above = guess + 1
    return torch.where(above * above <= squares, above, guess)


def divided(values: torch.Tensor, divisors: torch.Tensor) -> torch.Tensor:
    """Return quotients rounded to the nearest integer; a half is rounded up.

    Args:
        values: Integers of type int64 of less than 62 bits.
        divisors: Integers of type int64, 1 or more.
    """
    return torch.div(values * 2 + divisors, divisors * 2, rounding_mode="floor")


def row_norms(rows: torch.Tensor) -> torch.Tensor | None:
    """Return the norm of each row, rounded down, as int64; None if a sum of squares may overflow.

    Args:
        rows: Integers of magnitude up to 2^31, of shape (rows, columns).
    """
    wide = rows.to(torch.int64)
    # Squares of the upper halves tell, before a sum can wrap around, whether it has 62 bits.
    upper = (wide.abs() >> 16) + 1
    if rows.numel() and int((upper * upper).sum(dim=1).max()) > 1 << 30:
        return None
    return square_root((wide * wide).sum(dim=1))


def unit_rows(rows: torch.Tensor, norms: torch.Tensor, unit: int) -> torch.Tensor:
    """Return rows scaled to norm 1, as int64 in units of 2^-unit. A row of zeros stays as it is.

    Args:
        rows: Integers of type int64 and magnitude up to 2^31, of shape (rows, columns).
        norms: Their norms.
        unit: From 8 to 30.
    """
    return divided(rows << unit, norms.clamp(min=1).unsqueeze(1))
