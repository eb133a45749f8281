"""Positions around two parents, as in real-coded genetic algorithms."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from random import Random

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractCrossbreedingStrategy,
    Ancestry,
    ContinuousAllele,
    Draws,
)
from clantune_strategies._latent import clip_to_finite
from clantune_strategies._parents import pick_parent
from clantune_strategies.checks import number_field


def draw_pair(ancestry: Ancestry, draw: Draws) -> tuple[int, int]:
    """Draw two of three or more parents by their shares, the same two for all genes."""
    first = pick_parent(ancestry, draw("first parent"))
    others = [parent for parent in ancestry.contributors if parent[0] != first]
    left = draw("second parent") * sum(share for _, share in others)
    for rank, share in others:
        left -= share
        if left < 0.0:
            return first, rank
    return first, others[-1][0]  # rounding can leave a remainder


class _TwoParents(AbstractCrossbreedingStrategy):
    """Places continuous genes around two parents, and leaves other kinds to the next strategy."""

    @abc.abstractmethod
    def _position(self, rng: Random) -> float:
        """Return a position on the line through the parents, which are at 1 and at -1."""

    def handle_crossbreeding(
        self,
        population_alleles: Sequence[AbstractAllele],
        ancestry: Ancestry,
        rng: Random,
        draw: Draws,
    ) -> AbstractAllele | None:
        """Return the nearer parent's allele, moved to the drawn position."""
        few = ancestry.contributors  # mostly one or two: then there is no pair to draw
        first, second = (few[0][0], few[-1][0]) if len(few) < 3 else draw_pair(ancestry, draw)
        one, other = population_alleles[first], population_alleles[second]
        if not isinstance(one, ContinuousAllele) or not isinstance(other, ContinuousAllele):
            return None
        position = self._position(rng)
        nearer = one if position > 0.0 else other
        half_one, half_other = 0.5 * one.latent, 0.5 * other.latent
        if half_one == half_other:
            return nearer
        latent = half_one + half_other + position * (half_one - half_other)
        return nearer.with_latent(latent if -1e300 < latent < 1e300 else clip_to_finite(latent))


@attrs.frozen
class SBX(_TwoParents):
    """Simulated binary crossover: near one of two parents, with the spread of a binary crossover.

    Use it where several parents are good in different ways. The distance between the parents sets
    the scale of the search, so steps become shorter as the population converges. The two parents
    are drawn from the ancestry for each offspring; each gene lies near either one with equal
    probability. Continuous kinds only, on the latent line; other kinds are left to the next
    strategy.

    Attributes:
        eta: Distribution index, 0 or more. Larger values stay nearer to the parents: 2 spreads
            widely, 15 is usual, 100 stays close.
    """

    eta: float = number_field(15.0)

    def _position(self, rng: Random) -> float:
        drawn = 2.0 * rng.random()
        spread: float = (drawn if drawn <= 1.0 else 1.0 / (2.0 - drawn)) ** (1.0 / (self.eta + 1.0))
        return spread if rng.random() < 0.5 else -spread


@attrs.frozen
class Blend(_TwoParents):
    """BLX-alpha: uniform between two parents and a little beyond them.

    Use it to search the region between the parents. Below an alpha of about 0.37 crossbreeding
    alone contracts the population. The two parents are drawn from the ancestry for each offspring.
    Continuous kinds only, on the latent line; other kinds are left to the next strategy.

    Attributes:
        alpha: Extension beyond each parent, 0 or more, in units of the distance between them.
    """

    alpha: float = number_field(0.5)

    def _position(self, rng: Random) -> float:
        return (2.0 * rng.random() - 1.0) * (1.0 + 2.0 * self.alpha)
