"""Every member contributes according to its fitness. These selections draw nothing.

The ancestry is a probability distribution over all members. A crossbreeding that draws a parent,
such as `PerGenome`, draws from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import attrs

from clantune_core import AbstractCrossbreedingStrategy, Ancestry, Population
from clantune_strategies._parents import has_survived
from clantune_strategies.checks import number_field
from clantune_strategies.selection._statistics import average_positions, median


@attrs.frozen
class Rank(AbstractCrossbreedingStrategy):
    """The probability of a member falls linearly with its position, from the best to the worst.

    Use it where only the order of the fitnesses has a meaning: the selection pressure is constant.
    Members of equal fitness share the mean of their probabilities. Failed members contribute
    nothing unless all members failed.

    Attributes:
        pressure: Contribution of the best member relative to the average, 1 (all equal) to 2 (the
            worst contributes nothing).
    """

    pressure: float = number_field(1.5, 1.0, 2.0)

    def select_ancestry(self, population_genomes: Population) -> Ancestry:
        """Weight the members by their positions."""

        def weigh(fitnesses: Sequence[float]) -> list[float]:
            last = max(1, len(fitnesses) - 1)
            slope = 2.0 * (self.pressure - 1.0) / last
            return [self.pressure - slope * position for position in average_positions(fitnesses)]

        return _ancestry_of_survivors(population_genomes, weigh)


@attrs.frozen
class Boltzmann(AbstractCrossbreedingStrategy):
    """The probability of a member is proportional to exp(-(fitness - best) / temperature).

    Use it where a difference in fitness means the same during the whole run. Failed members
    contribute nothing unless all members failed.

    Attributes:
        temperature: A member that is worse by this difference contributes 1/e as much as the best;
            in units of fitness, above 0.
    """

    temperature: float = number_field(low=1e-12)

    def select_ancestry(self, population_genomes: Population) -> Ancestry:
        """Weight the members by their fitnesses."""

        def weigh(fitnesses: Sequence[float]) -> list[float]:
            best = min(fitnesses)
            return [
                1.0 if fitness == best else math.exp((best - fitness) / self.temperature)
                for fitness in fitnesses
            ]

        return _ancestry_of_survivors(population_genomes, weigh)


@attrs.frozen
class Proportional(AbstractCrossbreedingStrategy):
    """The probability of a member is proportional to its lead over the worst.

    Use it to compare with roulette wheel selection in the literature. It depends on the worst
    member, and its pressure falls as members become alike. The worst member contributes nothing
    unless all are equal. Failed members contribute nothing either, and do not count as the worst,
    unless all members failed.
    """

    def select_ancestry(self, population_genomes: Population) -> Ancestry:
        """Weight the members by their lead over the worst."""

        def weigh(fitnesses: Sequence[float]) -> list[float]:
            worst = max(fitnesses)
            # The difference of halves is finite where the difference of the numbers overflows.
            leads = [0.0 if f == worst else worst / 2.0 - f / 2.0 for f in fitnesses]
            largest = max(leads)
            return [1.0 if lead == largest else lead / largest for lead in leads]

        return _ancestry_of_survivors(population_genomes, weigh)


@attrs.frozen
class Everyone(AbstractCrossbreedingStrategy):
    """Every member contributes equally, except those that are far worse than the median.

    Use it to return all members to their mean before they spread out again. If all members failed,
    all of them contribute.

    Attributes:
        cutoff: Largest fitness that contributes, as a multiple of the median of the surviving
            members, 1 or more. If the median is 0 or below, a multiple of it has no meaning and all
            survivors contribute.
    """

    cutoff: float = number_field(1.5, 1.0)

    def select_ancestry(self, population_genomes: Population) -> Ancestry:
        """Give equal weights to all members within the cutoff."""

        def weigh(fitnesses: Sequence[float]) -> list[float]:
            middle = median(fitnesses)
            limit = self.cutoff * middle if middle > 0.0 else math.inf
            return [float(fitness <= limit) for fitness in fitnesses]

        return _ancestry_of_survivors(population_genomes, weigh)


def _ancestry_of_survivors(
    population_genomes: Population, weigh: Callable[[Sequence[float]], Sequence[float]]
) -> Ancestry:
    """Return the ancestry whose weights `weigh` computes from the fitnesses of the survivors."""
    fitnesses = population_genomes.fitnesses()
    survivors = [rank for rank, fitness in enumerate(fitnesses) if has_survived(fitness)]
    if not survivors:
        return Ancestry.from_weights([1.0] * len(fitnesses), population_genomes)
    weights = weigh([fitnesses[rank] for rank in survivors])
    return Ancestry.from_shares(dict(zip(survivors, weights, strict=True)), population_genomes)
