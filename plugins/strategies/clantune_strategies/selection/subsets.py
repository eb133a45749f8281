"""Another strategy selects among some of the members: the best, or the neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from clantune_core import AbstractStrategy, Population
from clantune_strategies._parents import best_first
from clantune_strategies.checks import choice_field, integer_field, strategy_field
from clantune_strategies.wrappers import SubsetWrapper


@attrs.frozen
class TopN(SubsetWrapper):
    """Another strategy selects among the best members only.

    Use it to keep all other members from becoming parents. A member outside the best also takes
    part, as the worst one, so that the other strategy knows for whom it selects; its own share goes
    to the others.

    Attributes:
        number: Size of the group of the best, 1 or more. Among equal fitnesses the lower ranks are
            in the group.
        strategy: Selects within the group.
    """

    number: int = integer_field()
    strategy: AbstractStrategy = strategy_field()

    def candidates(self, me: int, population_genomes: Population) -> Sequence[int]:  # noqa: ARG002
        """Return the ranks of the best members."""
        return best_first(population_genomes.fitnesses())[: self.number]


@attrs.frozen
class LocalOnly(SubsetWrapper):
    """Another strategy selects among a member and its neighbours.

    Use it to keep several good solutions in the population for longer. Neighbourhoods overlap, and
    a good genome spreads by `reach` positions per round, as between islands with slow migration.

    Attributes:
        strategy: Selects among a member and its neighbours.
        shape: Arrangement of the ranks: `"ring"`, or `"grid"`, which wraps around in both
            directions and is as close to a square as the population size allows (with a prime
            number of members it is a ring).
        reach: Largest distance of a neighbour, in steps along the ring or grid, 1 or more.
    """

    strategy: AbstractStrategy = strategy_field()
    shape: str = choice_field("ring", "grid")
    reach: int = integer_field(1)

    def candidates(self, me: int, population_genomes: Population) -> Sequence[int]:
        """Return the ranks within reach."""
        size = len(population_genomes)
        rows = 1 if self.shape == "ring" else _rows(size)
        columns = size // rows

        def steps(rank: int) -> int:
            down = _ring_distance(rank // columns - me // columns, rows)
            return down + _ring_distance(rank % columns - me % columns, columns)

        return [rank for rank in range(size) if steps(rank) <= self.reach]


def _rows(size: int) -> int:
    """Return the largest divisor of a size that is at most its square root."""
    return next(rows for rows in range(math.isqrt(size), 0, -1) if size % rows == 0)


def _ring_distance(difference: int, length: int) -> int:
    """Return the shorter way around a ring."""
    return min(difference % length, -difference % length)
