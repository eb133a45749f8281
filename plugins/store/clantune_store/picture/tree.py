"""The ancestors of a group, in rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import attrs

from clantune_store.groups.lineage import Parent

ACROSS = 8
"""Groups of a generation that are drawn: those with the largest shares."""

DEEP = 12
"""Generations that are drawn."""


@attrs.frozen
class Tree:
    """Groups to draw, and the lines between them.

    Attributes:
        rows: Numbers of groups; the first row is the best group alone.
        shares: How much of the best group comes from each one, by the weights of parents.
        lines: Child and parent; of a child, the parent with the largest weight comes first.
        hidden: How many ancestors are not drawn.
    """

    rows: Sequence[Sequence[int]]
    shares: Mapping[int, float]
    lines: Sequence[tuple[int, int]]
    hidden: int


def tree_of(best: int, parents: Sequence[Parent]) -> Tree:
    """Return what is drawn of the ancestors of a group."""
    of_child: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
    for pair in parents:
        if pair.child is not None and pair.parent is not None:
            of_child[pair.child].append((pair.parent, pair.weight))
    shares, generation = {best: 1.0}, [best]
    for _ in range(DEEP):
        found: defaultdict[int, float] = defaultdict(float)
        for child in generation:
            for parent, weight in of_child[child]:
                found[parent] += shares[child] * weight
        new = sorted(found.keys() - shares.keys(), key=lambda each: (-found[each], each))
        generation = new[:ACROSS]
        shares |= {number: found[number] for number in generation}
    lines = [
        (child, parent)
        for child in shares
        for parent, _ in sorted(of_child[child], key=lambda each: (-each[1], each[0]))
        if parent in shares
    ]
    hidden = {pair.parent for pair in parents} - shares.keys() - {None}
    return Tree(_rows(best, shares, lines), shares, lines, len(hidden))


def _rows(
    best: int, shares: Mapping[int, float], lines: Sequence[tuple[int, int]]
) -> list[list[int]]:
    """Return the groups in rows, each below all of its children."""
    depth = dict.fromkeys(shares, 0)
    for _ in shares:  # a merge may have made a circle, which no number of rows solves
        for child, parent in lines:
            if parent != best:
                depth[parent] = max(depth[parent], min(depth[child] + 1, len(shares)))
    return [
        [number for number in shares if depth[number] == row] for row in sorted({*depth.values()})
    ]
