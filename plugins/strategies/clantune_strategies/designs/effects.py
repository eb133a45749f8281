"""Main effects: from the fitnesses of a round, how far the centre of each gene moves."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from statistics import median

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractCrossbreedingStrategy,
    Ancestry,
    Context,
    ContinuousAllele,
    Genome,
    Population,
)
from clantune_strategies._checks import number, one_of
from clantune_strategies._choosing import is_alive
from clantune_strategies.designs.contrasts import slope
from clantune_strategies.designs.placing import CENTRE, OFFSET, continuous_genes, unit

MEAN, SQUARE, WEIGHT = "effects/mean", "effects/square", "effects/weight"
BEFORE = "effects/before"
"""What a gene remembers: running sums of its effect, and the fitness of the centre before."""

HUGE = 1e100
"""Fitnesses further out than this are all alike: their squares can still be added."""

CENTRE_FITNESS = "centre_fitness"
"""Where a genome's bookkeeping may tell the fitness of the centre, if somebody measured it."""


@attrs.frozen
class MainEffects(AbstractCrossbreedingStrategy):
    """Moves the centre of each gene by the evidence of several rounds.

    The effect of a gene is the slope of ln fitness over the places of the members, from all of
    them. A running mean M of it, measured by its running square V, says how sure it is: z = M /
    sqrt(V / w). The centre goes `step` z^2 against it, so that weak evidence moves it little. Every
    member comes to the same centre. Use it with `Everyone` and `TwoLevel`. Continuous genes only.

    Fitnesses are losses above zero; where one is not, they count as they are, without a logarithm.

    Attributes:
        step: How far certain evidence moves the centre, in units as of `TwoLevel.spread`.
        memory: How much of the past stays from round to round, 0 to below 1.
        held_up: Patterns of genes that do not decrease while the centre improves: a smaller lr
            looks better at once and worse later.
        cooldown: Progress from which these may decrease again, 0 to 1.
        gate: `"soft"` as above, or `"sign"`: always a full step, against the sign of M.
    """

    step: float = number(0.5)
    memory: float = number(0.7, 0.0, 0.999)
    held_up: tuple[str, ...] = attrs.field(default=("lr", "*/lr"), converter=tuple)
    cooldown: float = number(0.8, 0.0, 1.0)
    gate: str = one_of("soft", "sign")

    def handle_crossbreeding(
        self,
        my_allele: AbstractAllele,
        population_alleles: Sequence[AbstractAllele],
        ancestry: Ancestry,
        my_genome: Genome,
        population_genomes: Population,
        context: Context,
    ) -> AbstractAllele | None:
        """Return the allele at the new centre."""
        if not isinstance(my_allele, ContinuousAllele) or context.path:
            return None
        fitnesses = population_genomes.fitnesses()
        held = my_allele.metadata
        centre = held.get(CENTRE, _mean_latent(population_alleles, ancestry))
        if not any(map(is_alive, fitnesses)) or OFFSET not in held:
            return my_allele.with_latent(centre)
        effect = self._effect(fitnesses, my_genome, population_genomes, context) * unit(my_allele)
        mean = self.memory * held.get(MEAN, 0.0) + (1.0 - self.memory) * effect
        square = self.memory * held.get(SQUARE, 0.0) + (1.0 - self.memory) * effect**2
        weight = self.memory * held.get(WEIGHT, 0.0) + (1.0 - self.memory)
        now = my_genome.metadata.get(CENTRE_FITNESS, _mean_of_sound(fitnesses))
        move = self._move(mean, square, weight)
        if self._is_held_up(context, held.get(BEFORE), now):
            move = max(move, 0.0)
        return my_allele.with_latent(centre + move * unit(my_allele)).with_metadata(
            {MEAN: mean, SQUARE: square, WEIGHT: weight, BEFORE: now}
        )

    def _effect(
        self, fitnesses: Sequence[float], me: Genome, population: Population, context: Context
    ) -> float:
        genes = continuous_genes(context, me)
        offsets = {
            gene: [member.alleles[gene].metadata.get(OFFSET, 0.0) for member in population]
            for gene in genes
        }
        return slope(context.gene, offsets, outcomes(fitnesses))

    def _move(self, mean: float, square: float, weight: float) -> float:
        if not square:
            return 0.0
        if self.gate == "sign":
            return -math.copysign(self.step, mean)
        z = mean / math.sqrt(square / weight)
        return -self.step * math.copysign(z * z, z)

    def _is_held_up(self, context: Context, before: float | None, now: float) -> bool:
        return (
            any(fnmatchcase(context.gene, pattern) for pattern in self.held_up)
            and (context.progress is None or context.progress < self.cooldown)
            and before is not None
            and now < before
        )


def outcomes(fitnesses: Sequence[float]) -> list[float]:
    """Return what is compared: ln fitness, of the dead as of ten times the median."""
    living = [fitness for fitness in fitnesses if is_alive(fitness)]
    if min(living) <= 0.0:
        worst = max(living)
        return [max(-HUGE, min(f if is_alive(f) else worst, HUGE)) for f in fitnesses]
    most = min(10.0 * median(living), 1e308)
    return [math.log(min(fitness, most)) for fitness in fitnesses]


def _mean_of_sound(fitnesses: Sequence[float]) -> float:
    living = [fitness for fitness in fitnesses if is_alive(fitness)]
    most = 1.5 * median(living)
    sound = [fitness for fitness in living if fitness <= most] or living
    return sum(fitness / len(sound) for fitness in sound)  # a mean that cannot overflow


def _mean_latent(alleles: Sequence[AbstractAllele], ancestry: Ancestry) -> float:
    mean = sum(
        share * allele.latent
        for rank, share in ancestry.contributors
        for allele in [alleles[rank]]
        if isinstance(allele, ContinuousAllele)
    )
    return max(-sys.float_info.max, min(mean, sys.float_info.max))
