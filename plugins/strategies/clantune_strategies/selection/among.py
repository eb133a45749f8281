"""Another strategy selects among some of the members: the best, or the neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from clantune_core import AbstractStrategy, Population
from clantune_strategies._checks import held, number, one_of
from clantune_strategies._choosing import best_first
from clantune_strategies.selection._wrapper import SomeMembers


@attrs.frozen
class TopN(SomeMembers):
    """Another strategy selects among the best members.

    Use it to keep the rest from ever becoming parents. A member that is not among the best takes
    part, as the worst, so that the other strategy knows for whom it selects; what it would
    contribute goes to the others.

    Attributes:
        number: How many are the best, 1 or more; of equals those of lower rank.
        strategy: Selects among them.
    """

    number: int = number(whole=True, low=1)
    strategy: AbstractStrategy = held()

    def _candidates(self, me: int, population_genomes: Population) -> Sequence[int]:  # noqa: ARG002
        return best_first(population_genomes.fitnesses())[: self.number]


@attrs.frozen
class LocalOnly(SomeMembers):
    """Another strategy selects among a member and its neighbours.

    Use it so that a clan keeps several good answers for longer: neighbourhoods overlap, and a good
    genome spreads by `reach` places a round. They are like islands with slow migration.

    Attributes:
        strategy: Selects among a member and its neighbours.
        shape: How ranks lie: `"ring"`, or `"grid"`, which is closed in both directions and as
            nearly square as their number allows (of a prime number it is a ring).
        reach: How many steps along the ring or grid a neighbour is away at most, 1 or more.
    """

    strategy: AbstractStrategy = held()
    shape: str = one_of("ring", "grid")
    reach: int = number(1, 1)

    def _candidates(self, me: int, population_genomes: Population) -> Sequence[int]:
        size = len(population_genomes)
        rows = 1 if self.shape == "ring" else _rows(size)
        columns = size // rows

        def steps(rank: int) -> int:
            down = _around(rank // columns - me // columns, rows)
            return down + _around(rank % columns - me % columns, columns)

        return [rank for rank in range(size) if steps(rank) <= self.reach]


def _rows(size: int) -> int:
    """Return the largest divisor of a size that is not above its root."""
    return next(rows for rows in range(math.isqrt(size), 0, -1) if size % rows == 0)


def _around(difference: int, length: int) -> int:
    """Return the shorter way around a ring."""
    return min(difference % length, -difference % length)
