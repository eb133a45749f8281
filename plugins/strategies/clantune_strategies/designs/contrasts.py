"""The effect of each gene among several: least squares, a plain contrast where that is the same."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence


def slopes(places: Mapping[str, Sequence[float]], outcomes: Sequence[float]) -> dict[str, float]:
    """Return how much the outcome rises with each gene, all others held, by least squares.

    Args:
        places: By gene, how far each member is off the centre.
        outcomes: What came out, by member.

    Returns:
        The slope of each gene; that of the gene by itself where the members are too few to tell the
        genes apart, and 0 where the gene does not vary.
    """
    columns: dict[str, Sequence[float]] = {
        gene: _centred(column) for gene, column in places.items()
    }
    y = _centred(outcomes)
    if len(columns) < len(y) and not _are_orthogonal([*columns.values()]):
        columns = {
            gene: _left_over(column, [c for other, c in columns.items() if other != gene])
            for gene, column in columns.items()
        }
    return {gene: _slope(column, y) for gene, column in columns.items()}


def _slope(column: Sequence[float], y: Sequence[float]) -> float:
    square = _product(column, column)
    return _product(column, y) / square if square else 0.0


def _are_orthogonal(columns: Sequence[Sequence[float]]) -> bool:
    return all(
        abs(_product(first, second)) <= 1e-9 * _product(first, first)
        for first, second in itertools.combinations(columns, 2)
    )


def _left_over(column: Sequence[float], others: Sequence[Sequence[float]]) -> Sequence[float]:
    """Return what of a column no combination of the others explains; all of it if that is none."""
    basis: list[list[float]] = []
    for other in others:
        rest = _without(other, basis)
        length = math.sqrt(_product(rest, rest))
        if length > 1e-9 * math.sqrt(_product(other, other)):
            basis.append([x / length for x in rest])
    rest = _without(column, basis)
    return rest if _product(rest, rest) > 1e-9 * _product(column, column) else column


def _without(column: Sequence[float], basis: Sequence[Sequence[float]]) -> list[float]:
    rest = [*column]
    for known in (*basis, *basis):  # twice, for what rounding left the first time
        share = _product(rest, known)
        rest = [x - share * k for x, k in zip(rest, known, strict=True)]
    return rest


def _centred(numbers: Sequence[float]) -> list[float]:
    mean = math.fsum(numbers) / len(numbers)
    return [number - mean for number in numbers]


def _product(first: Sequence[float], second: Sequence[float]) -> float:
    return math.fsum(x * y for x, y in zip(first, second, strict=True))
