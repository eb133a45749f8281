"""Places around two parents: how real-coded genetic algorithms recombine."""

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
    Once,
)
from clantune_strategies._checks import number
from clantune_strategies._choosing import drawn_parent
from clantune_strategies._latent import finite


def drawn_pair(ancestry: Ancestry, once: Once) -> tuple[int, int]:
    """Draw two parents of three or more by their shares, the same two for all genes."""
    first = drawn_parent(ancestry, once("first parent"))
    others = [parent for parent in ancestry.contributors if parent[0] != first]
    left = once("second parent") * sum(part for _, part in others)
    for rank, part in others:
        left -= part
        if left < 0.0:
            return first, rank
    return first, others[-1][0]  # parts may sum to a little less than what they sum to


class _TwoParents(AbstractCrossbreedingStrategy):
    """Puts continuous genes somewhere around two parents, and passes on all others."""

    @abc.abstractmethod
    def _place(self, rng: Random) -> float:
        """Return a place on the line through the parents: they are at 1 and at -1."""

    def handle_crossbreeding(
        self,
        population_alleles: Sequence[AbstractAllele],
        ancestry: Ancestry,
        rng: Random,
        once: Once,
    ) -> AbstractAllele | None:
        """Take the parent that the place is nearer to, moved there."""
        few = ancestry.contributors  # one or two of most offspring: nothing to draw, gene by gene
        first, second = (few[0][0], few[-1][0]) if len(few) < 3 else drawn_pair(ancestry, once)
        one, other = population_alleles[first], population_alleles[second]
        if not isinstance(one, ContinuousAllele) or not isinstance(other, ContinuousAllele):
            return None
        place = self._place(rng)
        nearer = one if place > 0.0 else other
        here, there = 0.5 * one.latent, 0.5 * other.latent
        if here == there:
            return nearer
        latent = here + there + place * (here - there)
        return nearer.with_latent(latent if -1e300 < latent < 1e300 else finite(latent))


@attrs.frozen
class SBX(_TwoParents):
    """Simulated binary crossover: near one of two parents, as far off as bits would be.

    Use it where several parents are good in their own ways: what the parents differ in is the
    scale of the search, so steps become short as the population agrees. The two are drawn from the
    ancestry for the offspring; each gene comes from the side of either, with equal chances.
    Continuous kinds only, on the latent line; others are passed on.

    Attributes:
        eta: How near to the parents, 0 or more: 2 strays far, 15 is usual, 100 stays close.
    """

    eta: float = number(15.0)

    def _place(self, rng: Random) -> float:
        drawn = 2.0 * rng.random()
        spread: float = (drawn if drawn <= 1.0 else 1.0 / (2.0 - drawn)) ** (1.0 / (self.eta + 1.0))
        return spread if rng.random() < 0.5 else -spread


@attrs.frozen
class Blend(_TwoParents):
    """BLX-alpha: anywhere between two parents, and a little beyond, with equal chances.

    Use it to search the region that the parents span; below an alpha of about 0.37 the population
    contracts by crossbreeding alone. The two are drawn from the ancestry for the offspring.
    Continuous kinds only, on the latent line; others are passed on.

    Attributes:
        alpha: How far beyond either parent, 0 or more, in units of the distance between them.
    """

    alpha: float = number(0.5)

    def _place(self, rng: Random) -> float:
        return (2.0 * rng.random() - 1.0) * (1.0 + 2.0 * self.alpha)
