"""Members that stay as they are, whatever another strategy selects."""

from __future__ import annotations

import math
from typing import Any

import attrs

from clantune_core import AbstractStrategy, Ancestry, Genome, Population
from clantune_strategies._checks import held, number
from clantune_strategies._choosing import best_first, is_alive
from clantune_strategies.selection._wrapper import Wrapper


@attrs.frozen
class KeepBest(Wrapper):
    """The best members keep themselves; another strategy selects for everybody else.

    Use it so that what was found is not lost by chance. A mutation that follows changes the genes
    of the best too. A dead member is never kept.

    Attributes:
        strategy: Selects for everybody else.
        number: How many are kept, 1 or more; of equals those of lower rank.
    """

    strategy: AbstractStrategy = held()
    number: int = number(1, 1)

    def select_ancestry(
        self, my_genome: Genome, population_genomes: Population, **offered: Any
    ) -> Ancestry | None:
        """Keep the best."""
        # Asked in any case: it may draw from the stream that all members draw from alike.
        chosen = self._ask_inside(population_genomes, my_genome=my_genome, **offered)
        me = population_genomes.rank_of(my_genome)
        fitnesses = population_genomes.fitnesses()
        if is_alive(fitnesses[me]) and me in best_first(fitnesses)[: self.number]:
            return Ancestry.sole(me, population_genomes)
        return chosen


@attrs.frozen
class Significant(Wrapper):
    """A member stays itself unless what another strategy selects for it is better beyond the noise.

    Use it where fitness is measured on few data, so that weights are not thrown away for luck. A
    member is replaced where the fitness expected of its parents is lower than its own by more than
    `z * sqrt(2) * noise * |its own|`. Parents of whom one is dead are never better. A dead member
    is replaced in any case.

    Attributes:
        strategy: Selects the parents that are compared with the member.
        noise: Standard deviation of a fitness, measured again, relative to it; 0 or more.
        z: How many standard deviations of a difference count as noise, 0 or more.
    """

    strategy: AbstractStrategy = held()
    noise: float = number(0.01)
    z: float = number(2.0)

    def select_ancestry(
        self, my_genome: Genome, population_genomes: Population, **offered: Any
    ) -> Ancestry | None:
        """Compare the parents selected with this member."""
        chosen = self._ask_inside(population_genomes, my_genome=my_genome, **offered)
        fitnesses = population_genomes.fitnesses()
        me = population_genomes.rank_of(my_genome)
        if chosen is None or not is_alive(fitnesses[me]):
            return chosen
        expected = sum(share * fitnesses[rank] for rank, share in chosen.contributors)
        margin = self.z * math.sqrt(2.0) * self.noise * abs(fitnesses[me])
        if expected < fitnesses[me] - margin:
            return chosen
        return Ancestry.sole(me, population_genomes)
