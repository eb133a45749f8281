"""Clans without training, whose genes are evaluated by a function."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any
from uuid import UUID

import attrs

from clantune_core import (
    AbstractStrategy,
    Evolution,
    FloatAllele,
    Genome,
    Population,
    member_rng,
    shared_rng,
)
from clantune_core.contracts import CENTRE_FITNESS, HIGHEST_RATES

Function = Callable[[Sequence[float], float], float]
"""Takes the genes and the time, from 0 to 1; lower is better, and 0 is best."""


class Clan:
    """Members that are set up, placed, evaluated and bred, generation by generation."""

    def __init__(
        self, strategies: Iterable[AbstractStrategy], start: Genome, size: int, seed: int
    ) -> None:
        self.evolution = Evolution(strategies)
        self.seed = seed
        self.generation = 0
        members = [start.with_uuid(UUID(int=seed * 1_000_003 + rank)) for rank in range(size)]
        ready = [
            self.evolution.setup(
                member,
                member_rng(seed, -1, rank),
                shared_rng=shared_rng(seed, -1),
                rank=rank,
                population_size=size,
            )
            for rank, member in enumerate(members)
        ]
        clan = Population(ready)
        # Before the first round everybody has the same genes: one mutation places them.
        self.members = [
            self.evolution.mutate(
                member,
                member_rng(seed, 0, rank),
                population_genomes=clan,
                shared_rng=shared_rng(seed, 0),
            )
            for rank, member in enumerate(ready)
        ]

    def values(self) -> list[list[float]]:
        """The genes of every member."""
        return [[*member.as_hyperparameters().values()] for member in self.members]

    def centre(self) -> list[float]:
        """The mean of the members, gene by gene."""
        return [sum(column) / len(column) for column in zip(*self.values(), strict=True)]

    def contributors(self, fitnesses: Sequence[float]) -> list[tuple[int, float]]:
        """The parents of the first member, with their shares."""
        population = self._evaluated(fitnesses)
        chosen = self.evolution.select(
            population[0],
            population,
            member_rng(self.seed, self.generation + 1, 0),
            shared_rng=shared_rng(self.seed, self.generation + 1),
        )
        return [*chosen.contributors]

    def breed(
        self,
        fitnesses: Sequence[float],
        progress: float | None = None,
        centre: float | None = None,
        highest_rates: Mapping[str, float] | None = None,
    ) -> None:
        """Give everybody a fitness, and let everybody breed.

        Args:
            fitnesses: Of the members.
            progress: Fraction of the run that is done.
            centre: Fitness of the centre, if known.
            highest_rates: Limits by gene, if the clan went back to its best weights.
        """
        self.generation += 1
        known = {CENTRE_FITNESS: centre, HIGHEST_RATES: highest_rates}
        evaluated = self._evaluated(fitnesses, known)
        self.members = [
            self.evolution.offspring(
                me,
                evaluated,
                member_rng(self.seed, self.generation, rank),
                shared_rng=shared_rng(self.seed, self.generation),
                generation=self.generation,
                progress=progress,
            )
            for rank, me in enumerate(evaluated)
        ]

    def _evaluated(
        self, fitnesses: Sequence[float], known: Mapping[str, Any] = MappingProxyType({})
    ) -> Population:
        """Return the members with their fitness and with what is known, in place of earlier."""
        entries = {name: entry for name, entry in known.items() if entry is not None}
        return Population(
            [
                attrs.evolve(member, metadata={**_without(known, member), **entries}).set_fitness(f)
                for member, f in zip(self.members, fitnesses, strict=True)
            ]
        )


def _without(names: Iterable[str], member: Genome) -> dict[str, Any]:
    return {name: entry for name, entry in member.metadata.items() if name not in {*names}}


def line(values: Sequence[float], width: float = 5.0) -> Genome:
    """A genome of linear genes, each in a domain around zero."""
    return Genome({f"x{k}": FloatAllele(v, (-width, width)) for k, v in enumerate(values)})


def sphere(x: Sequence[float], _: float = 0.0) -> float:
    """Bowl around (1, ..., 1)."""
    return math.fsum((each - 1.0) ** 2 for each in x)


def rosenbrock(x: Sequence[float], _: float = 0.0) -> float:
    """Bent valley to (1, ..., 1)."""
    pairs = itertools.pairwise(x)
    return math.fsum(100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2 for a, b in pairs)


def rastrigin(x: Sequence[float], _: float = 0.0) -> float:
    """Egg box with its deepest cup at (1, ..., 1)."""
    return math.fsum(
        (each - 1.0) ** 2 + 10.0 * (1.0 - math.cos(2.0 * math.pi * (each - 1.0))) for each in x
    )


def moving(x: Sequence[float], time: float) -> float:
    """Bowl whose centre goes from (1, ..., 1) to (-1, ..., -1) and back."""
    return math.fsum((each - math.cos(2.0 * math.pi * time)) ** 2 for each in x)


def noisy(fitness: float, noise: float, rng: Random) -> float:
    """A fitness as it is measured: off by a share of itself and of 1, which is the loss at best."""
    return (1.0 + fitness) * math.exp(noise * rng.gauss())
