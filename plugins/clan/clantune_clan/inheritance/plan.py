"""The plan of an inheritance: the parents of each child and their weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs

from clantune_clan.errors import ClanError

TOLERANCE = 1e-6
"""Greatest difference between 1 and the sum of the weights of a child's parents."""


def _in_order(parents: Sequence[Mapping[int, float]]) -> tuple[dict[int, float], ...]:
    return tuple(
        {member: float(weight) for member, weight in sorted(each.items()) if weight}
        for each in parents
    )


@attrs.frozen
class Plan:
    """The parents of each member, in the order of members, equal on all ranks.

    A child with one parent becomes its copy. A child with several becomes their weighted mean.

    Attributes:
        parents: Weights of each child's parents, by the parent's number. Weights are 0 or more and
            add up to 1. A parent of weight 0 is left out.
    """

    parents: tuple[Mapping[int, float], ...] = attrs.field(converter=_in_order)

    def problem(self, members: int) -> ClanError | None:
        """Return an error if the plan does not fit a clan of `members` members, or None."""
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

    def first(self, child: int) -> int:
        """Return the parent of a child with the greatest weight."""
        return leading(self.parents[child])

    def keeps_own(self, member: int) -> bool:
        """Whether a member is its own only parent, so that it keeps its state."""
        return [*self.parents[member]] == [member]

    def is_copied(self, member: int) -> bool:
        """Whether another member becomes a copy of this member."""
        return any([*each] == [member] for c, each in enumerate(self.parents) if c != member)

    @property
    def means(self) -> list[Mapping[int, float]]:
        """The different means that children become, as the weights of their parents."""
        several = [parents for parents in self.parents if len(parents) > 1]
        return [parents for i, parents in enumerate(several) if parents not in several[:i]]


def leading(parents: Mapping[int, float]) -> int:
    """Return the parent of the greatest weight; of equal weights, the one with the least number."""
    return max(parents, key=lambda parent: (parents[parent], -parent))
