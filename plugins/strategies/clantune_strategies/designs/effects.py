"""Main effects: move the centre of each gene by the fitnesses of a designed experiment."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
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
from clantune_core.contracts import CENTRE_FITNESS, HIGHEST_RATES
from clantune_strategies._latent import clip_to_finite
from clantune_strategies._parents import has_survived
from clantune_strategies._patterns import LR_GENES, matches
from clantune_strategies.checks import choice_field, flag_field, gene_patterns_field, number_field
from clantune_strategies.designs.contrasts import slopes
from clantune_strategies.designs.placement import CENTRE, continuous_genes, latent_unit

MEAN, SQUARE, WEIGHT = "effects/mean", "effects/square", "effects/weight"
BEFORE = "effects/before"
"""Metadata keys of a gene: running sums of its effect, and the last fitness of the centre."""

HUGE = 1e100
"""Larger numbers are cut to this, so that their squares do not overflow."""


@attrs.frozen
class MainEffects(AbstractCrossbreedingStrategy):
    """Moves the centre of each gene by its effect on fitness, accumulated over several rounds.

    The effect of a gene is the slope of ln fitness over the positions of all members. Its running
    mean M and running square V, with total weight w, give z = M / sqrt(V / w), which says how
    certain the effect is. The centre moves by `step` * z^2 against the effect, so uncertain effects
    move it little. Every member computes the same centre. Use it with `Everyone` and `TwoLevel`.
    Continuous genes only.

    After a round in which the clan has gone back to its best weights, no gene moves by what was
    measured, the sums begin again, and a gene with an entry in the genome's metadata
    `highest_rates` goes down to it.

    Fitnesses should be losses above 0. If one is not, the slope is that of fitness itself, without
    the logarithm.

    Attributes:
        step: Move of the centre for a certain effect (z = 1), 0 or more, in the units of
            `TwoLevel.spread`.
        memory: Share of the running sums that is kept from round to round, 0 to below 1.
        lr_genes: Patterns of the names of learning rates. Until `cooldown_start` such a gene does
            not decrease while the centre improves, because a smaller lr looks better at once and
            worse later.
        cooldown_start: Progress from which the lr genes may decrease again, 0 to 1.
        gate: `"soft"` moves by `step` * z^2; `"sign"` always moves by a full step, against the sign
            of M.
        freeze_lr_until: Progress up to which the lr genes do not move and their effects are not
            recorded, 0 (off) to 1. While a schedule warms up, a larger lr looks better than it is.
        freeze_lr_in_cooldown: Whether the lr genes do not move from `cooldown_start` on.
        decay_genes: Patterns of the names of weight decays. Such a gene does not increase, because
            a stronger decay, like a smaller lr, can look better at once and worse later. Off by
            default.
        bias_correction: Whether M is divided by w, as V is. Otherwise the first moves are short,
            whatever the evidence: 9 % of `step` in the first round and half of it in the fourth.
    """

    step: float = number_field(0.5)
    memory: float = number_field(0.7, 0.0, 0.999)
    lr_genes: tuple[str, ...] = gene_patterns_field(*LR_GENES)
    cooldown_start: float = number_field(0.8, 0.0, 1.0)
    gate: str = choice_field("soft", "sign")
    freeze_lr_until: float = number_field(0.0, 0.0, 1.0)
    freeze_lr_in_cooldown: bool = flag_field(default=False)
    decay_genes: tuple[str, ...] = gene_patterns_field()
    bias_correction: bool = flag_field(default=False)

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
        fitnesses, memory = population_genomes.fitnesses(), my_allele.metadata
        parent = population_alleles[ancestry.dominant].metadata
        if CENTRE not in parent:  # no member has been placed yet
            return my_allele.with_latent(_mean_latent(population_alleles, ancestry))
        centre = parent[CENTRE]
        if not any(map(has_survived, fitnesses)) or context.gene not in context.genes:
            return my_allele.with_latent(centre)
        sound = [f for rank, _ in ancestry.contributors if has_survived(f := fitnesses[rank])]
        survivors = sound or [fitness for fitness in fitnesses if has_survived(fitness)]
        now = my_genome.metadata.get(CENTRE_FITNESS, _mean(survivors))
        if (limits := my_genome.metadata.get(HIGHEST_RATES)) is not None:
            latent = _at_most(my_allele, centre, limits.get(context.gene))
            nothing_known = {MEAN: 0.0, SQUARE: 0.0, WEIGHT: 0.0}
            return my_allele.with_latent(latent).with_metadata({**nothing_known, BEFORE: now})
        if self._is_frozen(context):
            return my_allele.with_latent(centre).with_metadata({BEFORE: now})
        genes = continuous_genes(context.genes, my_genome)
        slope = _slopes(population_genomes, genes)[context.gene]
        effect = _cut(slope * latent_unit(my_allele))
        mean = self.memory * memory.get(MEAN, 0.0) + (1.0 - self.memory) * effect
        square = self.memory * memory.get(SQUARE, 0.0) + (1.0 - self.memory) * effect**2
        weight = self.memory * memory.get(WEIGHT, 0.0) + (1.0 - self.memory)
        move = self._move(mean, square, weight)
        if self._is_held_up(context, memory.get(BEFORE), now):
            move = max(0.0, move)
        if matches(self.decay_genes, context.gene):
            move = min(move, 0.0)
        latent = clip_to_finite(centre + move * latent_unit(my_allele))
        return my_allele.with_latent(latent).with_metadata(
            {MEAN: mean, SQUARE: square, WEIGHT: weight, BEFORE: now}
        )

    def _move(self, mean: float, square: float, weight: float) -> float:
        if not square:
            return 0.0
        if self.gate == "sign":
            return -math.copysign(self.step, mean)
        z = (mean / weight if self.bias_correction else mean) / math.sqrt(square / weight)
        return -self.step * math.copysign(z * z, z)

    def _is_frozen(self, context: Context) -> bool:
        """Whether a gene does not move at this progress, whatever its effect."""
        if context.progress is None or not matches(self.lr_genes, context.gene):
            return False
        if context.progress <= self.freeze_lr_until and self.freeze_lr_until > 0.0:
            return True
        return self.freeze_lr_in_cooldown and context.progress >= self.cooldown_start

    def _is_held_up(self, context: Context, before: float | None, now: float) -> bool:
        """Whether a gene is an lr, the centre improves, and the run is not in its cooldown."""
        return (
            matches(self.lr_genes, context.gene)
            and (context.progress is None or context.progress < self.cooldown_start)
            and before is not None
            and now < before
        )


def _at_most(allele: ContinuousAllele, latent: float, highest: float | None) -> float:
    """Return a latent, or that of the highest value if it is lower."""
    if highest is None:
        return latent
    low, high = allele.domain
    return min(latent, allele.to_latent(max(low, min(highest, high))))


@functools.lru_cache(maxsize=4)
def _slopes(population: Population, genes: tuple[str, ...]) -> Mapping[str, float]:
    """Return the slope of every gene; cached, because each gene of each member asks for them."""
    offsets = {gene: _offsets([member.alleles[gene] for member in population]) for gene in genes}
    return slopes(offsets, outcomes(population.fitnesses()))


def _offsets(alleles: Sequence[AbstractAllele]) -> list[float]:
    """Return how far the value of each member is from the centre; an integer counts as rounded."""
    centre = alleles[0].metadata.get(CENTRE, 0.0)
    return [
        _cut(allele.to_latent(allele.value) - centre)
        if isinstance(allele, ContinuousAllele)
        else 0.0
        for allele in alleles
    ]


def _cut(number: float) -> float:
    return max(-HUGE, min(number, HUGE))


def outcomes(fitnesses: Sequence[float]) -> list[float]:
    """Return ln fitness, at most that of ten times the median, which failed members get too."""
    survivors = [fitness for fitness in fitnesses if has_survived(fitness)]
    if min(survivors) <= 0.0:
        worst = max(survivors)
        return [_cut(fitness if has_survived(fitness) else worst) for fitness in fitnesses]
    most = min(10.0 * median(survivors), 1e308)
    return [math.log(min(fitness, most)) for fitness in fitnesses]


def _mean(numbers: Sequence[float]) -> float:
    return sum(number / len(numbers) for number in numbers)  # cannot overflow


def _mean_latent(alleles: Sequence[AbstractAllele], ancestry: Ancestry) -> float:
    return clip_to_finite(
        sum(
            share * allele.latent
            for rank, share in ancestry.contributors
            for allele in [alleles[rank]]
            if isinstance(allele, ContinuousAllele)
        )
    )
