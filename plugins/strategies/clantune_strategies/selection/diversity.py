"""Wrappers that favour members that differ from the others, or pair members that differ."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from random import Random
from typing import Any

import attrs

from clantune_core import AbstractStrategy, Ancestry, Context, Population
from clantune_strategies._parents import has_survived, pick_parent
from clantune_strategies.checks import number_field, strategy_field
from clantune_strategies.selection._distance import distance
from clantune_strategies.selection._statistics import average_positions
from clantune_strategies.wrappers import FitnessWrapper, SelectionWrapper


@attrs.frozen
class FitnessSharing(FitnessWrapper):
    """Another strategy sees fitnesses in which similar members share their worth.

    Use it to keep several kinds of good members: together, a crowd at one optimum is worth no more
    than one member alone. The worth of a member is the population size minus its position by
    fitness (N for the best of N; ties share the mean of their positions). The crowd around a member
    is the sum of 1 - distance / radius over all survivors within the radius, including itself. The
    other strategy sees -(worth / crowd) as fitness; a failed member stays failed. Each offspring
    costs the distances of all pairs of members.

    Attributes:
        strategy: Selects by the shared worth.
        radius: Distance from which members no longer crowd each other, above 0. The distance is the
            root mean square over genes of `allele.distance`: the difference on the latent line, or
            1 for different values of a discrete kind.
    """

    strategy: AbstractStrategy = strategy_field()
    radius: float = number_field(low=1e-12)

    def visible_fitnesses(
        self,
        population_genomes: Population,
        context: Context,  # noqa: ARG002  (part of the signature)
    ) -> Sequence[float]:
        """Return minus the shared worth of each member."""
        fitnesses = population_genomes.fitnesses()
        crowds = [float(has_survived(fitness)) for fitness in fitnesses]
        survivors = [rank for rank, fitness in enumerate(fitnesses) if has_survived(fitness)]
        for i, one in enumerate(survivors):
            for other in survivors[:i]:
                apart = distance(population_genomes[one], population_genomes[other])
                crowding = max(0.0, 1.0 - apart / self.radius)
                crowds[one] += crowding
                crowds[other] += crowding
        return [
            (position - len(fitnesses)) / crowd if crowd else fitness
            for position, crowd, fitness in zip(
                average_positions(fitnesses), crowds, fitnesses, strict=True
            )
        ]


@attrs.frozen
class MateChoice(SelectionWrapper):
    """Two of the members that another strategy selects become parents: one drawn, one unlike it.

    Use it with a crossbreeding that mixes genes, which needs parents that differ. The first parent
    is drawn from the ancestry that the other strategy selects, its partner from the rest of that
    ancestry with weights probability * distance ** pull. Each contributes one half. The first
    parent is the only one if no other member is selected, or, with a pull above 0, if no other one
    differs from it.

    Attributes:
        strategy: Selects the candidates; take one that selects several, such as `Tournament`.
        pull: Exponent of the distance, 0 (distance does not matter) or more. The distance is the
            root mean square over genes of `allele.distance`: the difference on the latent line, or
            1 for different values of a discrete kind.
    """

    strategy: AbstractStrategy = strategy_field()
    pull: float = number_field(1.0)

    def select_ancestry(
        self, population_genomes: Population, rng: Random, **arguments: Any
    ) -> Ancestry | None:
        """Draw two parents."""
        ancestry = self.inner_select(population_genomes, rng=rng, **arguments)
        if ancestry is None:
            return None
        first = pick_parent(ancestry, rng.random())
        others = [(rank, share) for rank, share in ancestry.contributors if rank != first]
        weights = self._weights(population_genomes, first, others)
        parents = [first]
        if any(weights.values()):
            partners = Ancestry.from_shares(weights, population_genomes)
            parents.append(pick_parent(partners, rng.random()))
        return Ancestry.from_shares(dict.fromkeys(parents, 0.5), population_genomes)

    def _weights(
        self, population_genomes: Population, first: int, others: Sequence[tuple[int, float]]
    ) -> dict[int, float]:
        if not self.pull:
            return dict(others)
        mine = population_genomes[first]
        from_first = [
            min(distance(mine, population_genomes[rank]), sys.float_info.max) for rank, _ in others
        ]
        farthest = max(from_first, default=0.0) or 1.0  # relative to it, no power overflows
        return {
            rank: share * (far / farthest) ** self.pull
            for (rank, share), far in zip(others, from_first, strict=True)
        }
