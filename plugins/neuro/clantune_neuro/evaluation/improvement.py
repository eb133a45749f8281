"""Improvement: what a child scores above its parent on the same minibatch."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from clantune_neuro.tasks.score import Score


def improvements(
    children: Sequence[Score], parents: Sequence[Score], parent_of: Sequence[int]
) -> list[Score]:
    """Return the score of each child relative to its parent.

    Parents and children are scored in the same generation, and so on the same minibatch. The luck
    of the minibatch then cancels out. An improvement of 0 is a score like any other. A child of a
    dead parent, whose improvement is not known, counts as dead.

    Args:
        children: The score of each child.
        parents: The score of each parent, each scored once.
        parent_of: The place of each child's parent in `parents`.
    """
    return [
        attrs.evolve(child, base=child.base - parents[place].base)
        for child, place in zip(children, parent_of, strict=True)
    ]
