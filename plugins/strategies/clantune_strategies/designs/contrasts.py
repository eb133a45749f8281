"""The effect of one gene among several: least squares, which is a plain contrast where it may."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def slope(gene: str, places: Mapping[str, Sequence[float]], outcomes: Sequence[float]) -> float:
    """Return how much the outcome rises with a gene, all others held, by least squares.

    Args:
        gene: The gene asked for.
        places: By gene, how far each member is off the centre.
        outcomes: What came out, by member.

    Returns:
        The slope; that of the gene by itself where the members are too few to tell the genes apart,
        and 0 where the gene does not vary.
    """
    centred = {name: _centred(column) for name, column in places.items()}
    mine, y = centred[gene], _centred(outcomes)
    others = [column for name, column in centred.items() if name != gene]
    if any(abs(_product(mine, other)) > 1e-12 * _product(mine, mine) for other in others):
        rest = _left_over(mine, others)
        mine = rest if _product(rest, rest) > 1e-9 * _product(mine, mine) else mine
    square = _product(mine, mine)
    return _product(mine, y) / square if square else 0.0


def _left_over(column: Sequence[float], others: Sequence[Sequence[float]]) -> list[float]:
    """Return what of a column no combination of the others explains."""
    basis: list[list[float]] = []
    for other in others:
        rest = _without(other, basis)
        length = math.sqrt(_product(rest, rest))
        if length > 1e-9 * math.sqrt(_product(other, other)):
            basis.append([x / length for x in rest])
    return _without(column, basis)


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
