"""Everybody contributes according to fitness. Nothing is drawn: the ancestry is the distribution.

A crossbreeding that draws its parent, such as `PerGenome`, draws from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import attrs

from clantune_core import AbstractCrossbreedingStrategy, Ancestry, Population
from clantune_strategies._checks import number
from clantune_strategies._choosing import is_alive
from clantune_strategies.selection._statistics import average_places, median


@attrs.frozen
class Rank(AbstractCrossbreedingStrategy):
    """The probability of a member falls linearly with its place, from the best to the worst.

    Use it where fitness has no scale: only the order counts, and how much is set once and for all.
    Members of equal fitness share the mean of their probabilities. The dead have no place, and
    contribute nothing unless all are dead.

    Attributes:
        pressure: How many times the average the best contributes, 1 (all alike) to 2 (the worst
            contributes nothing).
    """

    pressure: float = number(1.5, 1.0, 2.0)

    def select_ancestry(self, population_genomes: Population) -> Ancestry:
        """Weigh the members by their places."""

        def weigh(fitnesses: Sequence[float]) -> list[float]:
            last = max(1, len(fitnesses) - 1)
            slope = 2.0 * (self.pressure - 1.0) / last
            return [self.pressure - slope * place for place in average_places(fitnesses)]

        return _of_the_living(population_genomes, weigh)


@attrs.frozen
class Boltzmann(AbstractCrossbreedingStrategy):
    """The probability of a member is proportional to exp(-(fitness - best) / temperature).

    Use it where a difference of fitness has a meaning that does not change during the run. The dead
    contribute nothing unless all are dead.

    Attributes:
        temperature: A member that is worse by this much contributes 1/e of what the best does; in
            units of fitness, above 0.
    """

    temperature: float = number(low=1e-12)

    def select_ancestry(self, population_genomes: Population) -> Ancestry:
        """Weigh the members by their fitness."""

        def weigh(fitnesses: Sequence[float]) -> list[float]:
            best = min(fitnesses)
            return [
                1.0 if fitness == best else math.exp((best - fitness) / self.temperature)
                for fitness in fitnesses
            ]

        return _of_the_living(population_genomes, weigh)


@attrs.frozen
class Proportional(AbstractCrossbreedingStrategy):
    """The probability of a member is proportional to how much better it is than the worst.

    Use it to compare with what the literature calls roulette wheel; it depends on the worst member,
    and presses less and less as members become alike. The worst contributes nothing, unless all are
    equal; neither do the dead, and they are not the worst, unless all are dead.
    """

    def select_ancestry(self, population_genomes: Population) -> Ancestry:
        """Weigh the members by their distance from the worst."""

        def weigh(fitnesses: Sequence[float]) -> list[float]:
            worst = max(fitnesses)
            # Halves, whose difference is a finite number where that of the wholes is not.
            gaps = [0.0 if f == worst else worst / 2.0 - f / 2.0 for f in fitnesses]
            largest = max(gaps)
            return [1.0 if gap == largest else gap / largest for gap in gaps]

        return _of_the_living(population_genomes, weigh)


@attrs.frozen
class Everyone(AbstractCrossbreedingStrategy):
    """Every sound member contributes alike.

    Use it to bring a clan back to its mean, which it then spreads around again. Sound is who is not
    much worse than the median of the living; if all are dead, everybody contributes.

    Attributes:
        cutoff: How many times the median a fitness may be, 1 or more. Where the median is not
            above 0, so that no multiple of it means anything, all the living are sound.
    """

    cutoff: float = number(1.5, 1.0)

    def select_ancestry(self, population_genomes: Population) -> Ancestry:
        """Give every sound member the same weight."""

        def weigh(fitnesses: Sequence[float]) -> list[float]:
            middle = median(fitnesses)
            limit = self.cutoff * middle if middle > 0.0 else math.inf
            return [float(fitness <= limit) for fitness in fitnesses]

        return _of_the_living(population_genomes, weigh)


def _of_the_living(
    population_genomes: Population, weigh: Callable[[Sequence[float]], Sequence[float]]
) -> Ancestry:
    """Return the ancestry in which the living have weights that depend on their fitnesses."""
    fitnesses = population_genomes.fitnesses()
    living = [rank for rank, fitness in enumerate(fitnesses) if is_alive(fitness)]
    if not living:
        return Ancestry.from_weights([1.0] * len(fitnesses), population_genomes)
    weights = weigh([fitnesses[rank] for rank in living])
    return Ancestry.from_shares(dict(zip(living, weights, strict=True)), population_genomes)
