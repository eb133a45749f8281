"""The effect of each gene by least squares; for orthogonal columns that is a plain contrast."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence


def slopes(offsets: Mapping[str, Sequence[float]], outcomes: Sequence[float]) -> dict[str, float]:
    """Return the least-squares slope of the outcome in each gene, adjusted for all others.

    Args:
        offsets: For each gene, the offset of each member from the centre.
        outcomes: The outcome of each member.

    Returns:
        The slope of each gene. With too few members to separate the genes, each slope ignores the
        other genes. The slope of a gene that does not vary is 0.
    """
    columns: dict[str, Sequence[float]] = {
        gene: _centred(column) for gene, column in offsets.items()
    }
    y = _centred(outcomes)
    if len(columns) < len(y) and not _are_orthogonal([*columns.values()]):
        columns = {
            gene: _residual(column, [c for other, c in columns.items() if other != gene])
            for gene, column in columns.items()
        }
    return {gene: _slope(column, y) for gene, column in columns.items()}


def _slope(column: Sequence[float], y: Sequence[float]) -> float:
    square = _dot(column, column)
    return _dot(column, y) / square if square else 0.0


def _are_orthogonal(columns: Sequence[Sequence[float]]) -> bool:
    return all(
        abs(_dot(first, second)) <= 1e-9 * _dot(first, first)
        for first, second in itertools.combinations(columns, 2)
    )


def _residual(column: Sequence[float], others: Sequence[Sequence[float]]) -> Sequence[float]:
    """Return the part of a column that is orthogonal to the others; the column if that is zero."""
    basis: list[list[float]] = []
    for other in others:
        rest = _minus_projection(other, basis)
        length = math.sqrt(_dot(rest, rest))
        if length > 1e-9 * math.sqrt(_dot(other, other)):
            basis.append([x / length for x in rest])
    rest = _minus_projection(column, basis)
    return rest if _dot(rest, rest) > 1e-9 * _dot(column, column) else column


def _minus_projection(column: Sequence[float], basis: Sequence[Sequence[float]]) -> list[float]:
    """Return a column without its projection on an orthonormal basis."""
    rest = [*column]
    for unit in (*basis, *basis):  # a second pass removes rounding errors of the first
        length = _dot(rest, unit)
        rest = [x - length * u for x, u in zip(rest, unit, strict=True)]
    return rest


def _centred(numbers: Sequence[float]) -> list[float]:
    mean = math.fsum(numbers) / len(numbers)
    return [number - mean for number in numbers]


def _dot(first: Sequence[float], second: Sequence[float]) -> float:
    return math.fsum(x * y for x, y in zip(first, second, strict=True))
