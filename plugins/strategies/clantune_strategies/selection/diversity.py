"""Members that differ are worth more, or find each other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from random import Random
from typing import Any

import attrs

from clantune_core import AbstractStrategy, Ancestry, Context, Population
from clantune_strategies._checks import held, number
from clantune_strategies._choosing import drawn_parent, is_alive
from clantune_strategies.selection._distance import distances
from clantune_strategies.selection._statistics import average_places
from clantune_strategies.selection._wrapper import OtherFitness, Wrapper


@attrs.frozen
class FitnessSharing(OtherFitness):
    """Another strategy sees the worth of a member divided among all who are like it.

    Use it to keep several kinds of good members: a crowd at one optimum is worth no more than one
    member alone. The worth is the number of members less the place by fitness (N for the best of N,
    equals share the mean of their places); the crowd around a member is the sum of
    1 - distance / radius over all the living within the radius, itself among them. What the other
    strategy sees as fitness is minus the worth that is left; the dead stay dead. It takes the
    distance of every pair of members, for each offspring.

    Attributes:
        strategy: Selects by what is left of the worth.
        radius: Distance from which members do not crowd each other, above 0: the root mean square
            over genes of differences on the latent line, 1 for different values of discrete kinds.
    """

    strategy: AbstractStrategy = held()
    radius: float = number(low=1e-12)

    def _fitnesses(self, population_genomes: Population, context: Context) -> Sequence[float]:  # noqa: ARG002
        fitnesses = population_genomes.fitnesses()
        distance = distances(population_genomes)
        crowds = [float(is_alive(fitness)) for fitness in fitnesses]
        living = [rank for rank, fitness in enumerate(fitnesses) if is_alive(fitness)]
        for i, one in enumerate(living):
            for other in living[:i]:
                crowding = max(0.0, 1.0 - distance(one, other) / self.radius)
                crowds[one] += crowding
                crowds[other] += crowding
        return [
            (place - len(fitnesses)) / crowd if crowd else fitness
            for place, crowd, fitness in zip(
                average_places(fitnesses), crowds, fitnesses, strict=True
            )
        ]


@attrs.frozen
class MateChoice(Wrapper):
    """Of those whom another strategy selects, two become parents: one drawn, and one unlike it.

    Use it with a crossbreeding that mixes genes, which can make something new only of parents that
    differ. The first parent is drawn from the ancestry that the other strategy selects; its partner
    from the rest of it, with weights probability * distance ** pull. Each contributes one half; the
    first is alone if there is nobody else, or with a pull above 0 nobody who differs from it.

    Attributes:
        strategy: Selects who may become a parent; one that gives several, such as `Tournament`.
        pull: How much it counts that a partner is different, 0 (not at all) or more. Distance is
            the root mean square over genes of differences on the latent line, 1 for different
            values of discrete kinds.
    """

    strategy: AbstractStrategy = held()
    pull: float = number(1.0)

    def select_ancestry(
        self, population_genomes: Population, rng: Random, **offered: Any
    ) -> Ancestry | None:
        """Draw two parents."""
        chosen = self._ask_inside(population_genomes, rng=rng, **offered)
        if chosen is None:
            return None
        first = drawn_parent(chosen, rng.random())
        others = [(rank, share) for rank, share in chosen.contributors if rank != first]
        weights = self._weights(population_genomes, first, others)
        parents = [first]
        if any(weights.values()):
            partners = Ancestry.from_shares(weights, population_genomes)
            parents.append(drawn_parent(partners, rng.random()))
        return Ancestry.from_shares(dict.fromkeys(parents, 0.5), population_genomes)

    def _weights(
        self, population_genomes: Population, first: int, others: Sequence[tuple[int, float]]
    ) -> dict[int, float]:
        members = [population_genomes[rank] for rank in (first, *(rank for rank, _ in others))]
        distance = distances(members)
        away = [min(distance(0, i), sys.float_info.max) for i in range(1, len(members))]
        farthest = max(away, default=0.0) or 1.0  # in units of it no power is too large
        return {
            rank: share * (far / farthest) ** self.pull
            for (rank, share), far in zip(others, away, strict=True)
        }
