"""The rule of the specification: a parent's value, or one near the two parents.

Its faults are mended: 0 and 1 move, negative numbers move like positive ones, and domains hold. It
searches near its parents only, and loses to random search; it is here for those who know it.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractCrossbreedingStrategy,
    Ancestry,
    ContinuousAllele,
    DiscreteAllele,
    Evolution,
    Genome,
    RoundedAllele,
)
from clantune_store.breeding.breeder import MakeBreeder
from clantune_store.breeding.genetic import genetic
from clantune_store.errors import StoreError


def seed_rule(text: str) -> MakeBreeder:
    """Return what makes a breeder by this rule.

    Raises:
        StoreError: The text has parameters; the rule takes none.
    """
    if text:
        raise StoreError(f"the strategy 'seed' takes no parameters; got {text!r}")
    return genetic(Evolution([Couples(), Mingle()]))


@attrs.frozen
class Couples(AbstractCrossbreedingStrategy):
    """Two parents, drawn from a population of the best only; a single group is the only parent."""

    def select_ancestry(self, population_genomes: Sequence[Genome], rng: Random) -> Ancestry:
        """Draw the parents."""
        count = len(population_genomes)
        chosen = rng.sample(range(count), min(count, 2))
        return Ancestry.from_shares(dict.fromkeys(chosen, 1.0), population_genomes)


@attrs.frozen
class Mingle(AbstractCrossbreedingStrategy):
    """Half of the time the value of a parent; otherwise a value from the range of the two.

    The range is wider at each end by `margin` of the number there, and by at least 1 for whole
    numbers. A discrete gene is drawn from its options instead.

    Attributes:
        margin: Share of a number by which the range is wider.
    """

    margin: float = 0.05

    def handle_crossbreeding(
        self, population_alleles: Sequence[AbstractAllele], ancestry: Ancestry, rng: Random
    ) -> AbstractAllele:
        """Breed one gene."""
        ranks = [rank for rank, _ in ancestry.contributors]
        one, other = population_alleles[ranks[0]], population_alleles[ranks[-1]]
        chosen = one if rng.random() < 0.5 else other
        if rng.random() < 0.5:
            return chosen
        if isinstance(chosen, DiscreteAllele):
            return chosen.with_value(rng.choice(chosen.choices))
        if isinstance(chosen, ContinuousAllele):
            return chosen.with_value(rng.uniform(*self._range(chosen, one.value, other.value)))
        return chosen

    def _range(self, allele: ContinuousAllele, one: float, other: float) -> tuple[float, float]:
        low, high = sorted((one, other))
        least: Any = 1.0 if isinstance(allele, RoundedAllele) else 0.0
        around = self.margin * getattr(allele, "unit", 1.0)  # so that zero moves
        low -= max(least, self.margin * abs(low) or around)
        high += max(least, self.margin * abs(high) or around)
        return low, high
