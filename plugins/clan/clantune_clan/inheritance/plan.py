"""The plan of an inheritance: who inherits from whom, and how much."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from clantune_clan.errors import ClanError

TOLERANCE = 1e-6
"""How far the weights of a child's parents may be from adding up to 1."""


def _plain(parents: tuple[Mapping[int, float], ...]) -> tuple[dict[int, float], ...]:
    return tuple(
        {member: float(weight) for member, weight in sorted(each.items())} for each in parents
    )


@attrs.frozen
class Plan:
    """Parents of each member, in the order of members; the same on all ranks.

    A child with one parent becomes its copy. A child with several becomes their mean, weighted.

    Attributes:
        parents: For each child the weight of each parent, by the parent's number. Weights are 0 or
            more and add up to 1. A parent of weight 0 gives nothing, whatever it holds.
    """

    parents: tuple[Mapping[int, float], ...] = attrs.field(converter=_plain)

    def problem(self, members: int) -> ClanError | None:
        """Return what is wrong with the plan for a clan of so many members, or None."""
        if len(self.parents) != members:
            return ClanError(
                f"the plan is for {len(self.parents)} members, and the clan has {members}: give "
                "each member its parents"
            )
        for child, parents in enumerate(self.parents):
            strangers = [parent for parent in parents if parent not in range(members)]
            if strangers:
                return ClanError(
                    f"the plan gives member {child} the parent {strangers[0]}: members have the "
                    f"numbers 0 to {members - 1}"
                )
            weights = [*parents.values()]
            sound = all(math.isfinite(w) and w >= 0.0 for w in weights)
            if not sound or not math.isclose(math.fsum(weights), 1.0, abs_tol=TOLERANCE):
                return ClanError(
                    f"the plan gives member {child} parents of weights {dict(parents)}: weights "
                    "are 0 or more and add up to 1"
                )
        return None

    def as_data(self) -> list[list[list[float]]]:
        """Return the plan as JSON data."""
        return [[[m, weight] for m, weight in each.items()] for each in self.parents]

    def heirs(self, parent: int) -> list[int]:
        """Return the other members that somebody gives something to, in order."""
        return [
            child
            for child in range(len(self.parents))
            if child != parent and parent in self.givers(child)
        ]

    def circle(self, member: int) -> list[int]:
        """Return members each of which gives to the next one first, and the last to the first.

        They begin with the least. Empty if this member is not among them.
        """
        circle = [member]
        while heirs := self.heirs(circle[-1]):
            if heirs[0] == member:
                least = circle.index(min(circle))
                return circle[least:] + circle[:least]
            if heirs[0] in circle:
                break
            circle.append(heirs[0])
        return []

    def givers(self, child: int) -> dict[int, float]:
        """Return the parents that give a child something, with their weights, in order."""
        return {parent: weight for parent, weight in self.parents[child].items() if weight > 0.0}

    def first(self, child: int) -> int:
        """Return the parent of the greatest weight; of equals, the one that comes first."""
        givers = self.givers(child)
        return max(givers, key=lambda parent: (givers[parent], -parent))

    @property
    def is_shared(self) -> bool:
        """Whether all members have the same parents, and several."""
        first = self.givers(0)
        return len(first) > 1 and all(
            self.givers(child) == first for child in range(len(self.parents))
        )


def require_one_plan(plans: Sequence[list[Any]]) -> None:
    """Check that all ranks hold the same plan, given as data in rank order.

    Raises:
        ClanError: Two ranks hold different ones; the error names both and what differs.
    """
    for rank, plan in enumerate(plans):
        for child, (first, other) in enumerate(zip(plans[0], plan, strict=True)):
            if first != other:
                raise ClanError(
                    f"the ranks hold different plans: the parents of member {child} are "
                    f"{_in_words(first)} on rank 0 and {_in_words(other)} on rank {rank}; make the "
                    "plan from what all ranks have gathered, and from nothing else"
                )


def _in_words(parents: list[list[float]]) -> str:
    return ", ".join(f"{member} with weight {weight:g}" for member, weight in parents)
