"""Main effects: from the fitnesses of a round, how far the centre of each gene moves."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
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
from clantune_core.contracts import CENTRE_FITNESS
from clantune_strategies._checks import number, one_of, patterns, switch
from clantune_strategies._choosing import is_alive
from clantune_strategies._latent import finite
from clantune_strategies.designs.contrasts import slopes
from clantune_strategies.designs.placing import CENTRE, continuous_genes, unit

MEAN, SQUARE, WEIGHT = "effects/mean", "effects/square", "effects/weight"
BEFORE = "effects/before"
"""What a gene remembers: running sums of its effect, and the fitness of the centre before."""

HUGE = 1e100
"""Fitnesses further out than this are all alike: their squares can still be added."""


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
        warmup: Progress up to which these stay where they are and what is measured of them is
            forgotten, 0 (never) to 1: while a schedule warms up, a larger lr looks better than it
            is.
        freeze_in_cooldown: Whether these stay where they are from `cooldown` on.
    """

    step: float = number(0.5)
    memory: float = number(0.7, 0.0, 0.999)
    held_up: tuple[str, ...] = patterns("lr", "*/lr")
    cooldown: float = number(0.8, 0.0, 1.0)
    gate: str = one_of("soft", "sign")
    warmup: float = number(0.0, 0.0, 1.0)
    freeze_in_cooldown: bool = switch(default=False)

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
        fitnesses, held = population_genomes.fitnesses(), my_allele.metadata
        parent = population_alleles[ancestry.dominant].metadata
        if CENTRE not in parent:  # nobody was placed yet
            return my_allele.with_latent(_mean_latent(population_alleles, ancestry))
        centre = parent[CENTRE]
        if not any(map(is_alive, fitnesses)) or context.gene not in context.genes:
            return my_allele.with_latent(centre)
        sound = [fitnesses[rank] for rank, _ in ancestry.contributors if is_alive(fitnesses[rank])]
        living = sound or [fitness for fitness in fitnesses if is_alive(fitness)]
        now = my_genome.metadata.get(CENTRE_FITNESS, _mean(living))
        if self._rests(context):
            return my_allele.with_latent(centre).with_metadata({BEFORE: now})
        genes = continuous_genes(context.genes, my_genome)
        slope = _slopes(population_genomes, genes)[context.gene]
        effect = _bounded(slope * unit(my_allele))
        mean = self.memory * held.get(MEAN, 0.0) + (1.0 - self.memory) * effect
        square = self.memory * held.get(SQUARE, 0.0) + (1.0 - self.memory) * effect**2
        weight = self.memory * held.get(WEIGHT, 0.0) + (1.0 - self.memory)
        move = self._move(mean, square, weight)
        if self._is_held_up(context, held.get(BEFORE), now):
            move = max(move, 0.0)
        return my_allele.with_latent(finite(centre + move * unit(my_allele))).with_metadata(
            {MEAN: mean, SQUARE: square, WEIGHT: weight, BEFORE: now}
        )

    def _move(self, mean: float, square: float, weight: float) -> float:
        if not square:
            return 0.0
        if self.gate == "sign":
            return -math.copysign(self.step, mean)
        z = mean / math.sqrt(square / weight)
        return -self.step * math.copysign(z * z, z)

    def _rests(self, context: Context) -> bool:
        """Whether a gene stays, whatever was measured."""
        if context.progress is None or not self._may_be_held_up(context.gene):
            return False
        is_warming_up = context.progress <= self.warmup and self.warmup > 0.0
        return is_warming_up or (self.freeze_in_cooldown and context.progress >= self.cooldown)

    def _may_be_held_up(self, gene: str) -> bool:
        return any(fnmatchcase(gene, pattern) for pattern in self.held_up)

    def _is_held_up(self, context: Context, before: float | None, now: float) -> bool:
        return (
            self._may_be_held_up(context.gene)
            and (context.progress is None or context.progress < self.cooldown)
            and before is not None
            and now < before
        )


@functools.lru_cache(maxsize=4)
def _slopes(population: Population, genes: tuple[str, ...]) -> Mapping[str, float]:
    """Return the slope of every gene: found once for all genes, and all members that ask here."""
    places = {gene: _places([member.alleles[gene] for member in population]) for gene in genes}
    return slopes(places, outcomes(population.fitnesses()))


def _places(alleles: Sequence[AbstractAllele]) -> list[float]:
    """Return how far off the centre each member really stands: whole numbers in whole steps."""
    centre = alleles[0].metadata.get(CENTRE, 0.0)
    return [
        _bounded(allele.to_latent(allele.value) - centre)
        if isinstance(allele, ContinuousAllele)
        else 0.0
        for allele in alleles
    ]


def _bounded(number: float) -> float:
    return max(-HUGE, min(number, HUGE))


def outcomes(fitnesses: Sequence[float]) -> list[float]:
    """Return what is compared: ln fitness, of the dead as of ten times the median."""
    living = [fitness for fitness in fitnesses if is_alive(fitness)]
    if min(living) <= 0.0:
        worst = max(living)
        return [_bounded(fitness if is_alive(fitness) else worst) for fitness in fitnesses]
    most = min(10.0 * median(living), 1e308)
    return [math.log(min(fitness, most)) for fitness in fitnesses]


def _mean(numbers: Sequence[float]) -> float:
    return sum(number / len(numbers) for number in numbers)  # which cannot overflow


def _mean_latent(alleles: Sequence[AbstractAllele], ancestry: Ancestry) -> float:
    return finite(
        sum(
            share * allele.latent
            for rank, share in ancestry.contributors
            for allele in [alleles[rank]]
            if isinstance(allele, ContinuousAllele)
        )
    )
