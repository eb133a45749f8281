"""Two-level designs: one column of plus and minus ones per gene, from Hadamard matrices.

A column assigns each member the upper or lower level of its gene. With balanced, orthogonal columns
the same members measure the main effect of every gene, as precisely as one experiment per gene.
"""

from __future__ import annotations

import functools
from random import Random

Matrix = tuple[tuple[int, ...], ...]
"""Rows of plus and minus one."""


@functools.lru_cache(maxsize=256)
def design(members: int, genes: int, key: float) -> Matrix:
    """Return one column per gene, with one sign per member, drawn with `key` as the seed.

    The columns are distinct as long as there are enough of them. They are orthogonal if the number
    of members is 2 or a multiple of 4 with a known construction, and nearly orthogonal otherwise. A
    population of one has the sign 0.

    Args:
        members: Population size.
        genes: Number of columns.
        key: Seed of the draw; the same key gives the same design.
    """
    if members < 2:
        return ((0,) * members,) * genes
    rng = Random(key)
    known = columns(members)
    drawn: list[tuple[int, ...]] = []
    while len(drawn) < genes:  # with more genes than columns, some genes share a column
        drawn += rng.sample(known, min(len(known), genes - len(drawn)))
    return tuple(
        column if rng.random() < 0.5 else tuple(-sign for sign in column) for column in drawn
    )


@functools.cache
def columns(members: int) -> Matrix:
    """Return all non-constant columns for a number of members."""
    size = members
    while (square := hadamard(size)) is None:
        size += 1
    cut = [column[:members] for column in list(zip(*square, strict=True))[1:]]
    # Columns of a larger design, cut to the number of members, may be unbalanced: take the most
    # balanced ones.
    imbalance = min(abs(sum(column)) for column in cut)
    return tuple(column for column in cut if abs(sum(column)) == imbalance)


@functools.cache
def hadamard(size: int) -> Matrix | None:
    """Return a Hadamard matrix whose first row and column are ones, or None if none is known."""
    if size in (1, 2):
        return ((1,),) if size == 1 else ((1, 1), (1, -1))
    if size % 4:
        return None
    half = hadamard(size // 2)
    if half is not None:
        return tuple(row + row for row in half) + tuple(
            row + tuple(-sign for sign in row) for row in half
        )
    if _is_prime(size - 1):
        return _normalized(_paley(size - 1))
    if size % 8 and _is_prime(size // 2 - 1):
        return _normalized(_doubled(size // 2 - 1))
    return None


def _paley(prime: int) -> Matrix:
    """Return the matrix of Paley's first construction: size p + 1 for a prime p = 4 k + 3."""
    core = _residues(prime)
    rows = [(-1, *row[:i], 1, *row[i + 1 :]) for i, row in enumerate(core)]
    return ((1,) * (prime + 1), *rows)


def _doubled(prime: int) -> Matrix:
    """Return the matrix of Paley's second construction: size 2 (p + 1) for a prime p = 4 k + 1."""
    conference = ((0,) + (1,) * prime, *((1, *row) for row in _residues(prime)))
    rows: list[tuple[int, ...]] = []
    for row in conference:
        rows.append(tuple(x for sign in row for x in ((sign, sign) if sign else (1, -1))))
        rows.append(tuple(x for sign in row for x in ((sign, -sign) if sign else (-1, -1))))
    return tuple(rows)


def _residues(prime: int) -> Matrix:
    """Return the quadratic character of i - j modulo p: 1 for a square, 0 for i = j, else -1."""
    squares = {number * number % prime for number in range(1, prime)}
    return tuple(
        tuple(0 if i == j else 1 if (i - j) % prime in squares else -1 for j in range(prime))
        for i in range(prime)
    )


def _normalized(matrix: Matrix) -> Matrix:
    """Return the matrix with signs flipped so that its first row and column are ones."""
    by_row = [tuple(sign * row[0] for sign in row) for row in matrix]
    return tuple(
        tuple(sign * first for sign, first in zip(row, by_row[0], strict=True)) for row in by_row
    )


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % d for d in range(2, int(number**0.5) + 1))
