"""Members without training: their fitnesses are given, or come from a bowl with noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from random import Random
from uuid import UUID

from clantune_core import (
    AbstractStrategy,
    Evolution,
    FloatAllele,
    Genome,
    LogFloatAllele,
    Population,
    member_rng,
    shared_rng,
)


def member(*latents: float) -> Genome:
    """Return a genome with the genes `x`, `y`, `z` at these positions of their latent lines."""
    return Genome(
        {name: FloatAllele(x, (-10.0, 10.0)) for name, x in zip("xyz", latents, strict=False)}
    )


def learning_rate(value: float = 1e-3) -> Genome:
    """Return a genome with one gene, the lr."""
    return Genome({"lr": LogFloatAllele(value, (1e-5, 1e-1))})


def clan(genomes: Iterable[Genome], fitnesses: Sequence[float]) -> Population:
    """Return evaluated members, with the same uuids in every run."""
    numbered = zip(genomes, fitnesses, range(len(fitnesses)), strict=False)
    return Population([g.with_uuid(UUID(int=i)).set_fitness(f) for g, f, i in numbered])


def latent(genome: Genome, gene: str = "") -> float:
    """Return the position of a gene on its latent line; by default of the first gene."""
    allele = genome.alleles[gene or next(iter(genome.alleles))]
    assert isinstance(allele, FloatAllele | LogFloatAllele)
    return allele.latent


def breed(
    evolution: Evolution, population: Population, generation: int, progress: float | None = None
) -> list[Genome]:
    """Return the offspring of every member."""
    return [
        evolution.offspring(
            me,
            population,
            member_rng(1, generation, rank),
            shared_rng=shared_rng(1, generation),
            generation=generation,
            progress=progress,
        )
        for rank, me in enumerate(population)
    ]


def on_a_bowl(
    strategies: Iterable[AbstractStrategy],
    start: Genome,
    *,
    members: int = 8,
    rounds: int = 40,
    noise: float = 0.02,
) -> list[list[Genome]]:
    """Return the members of each round on a bowl with its minimum at zero and a noisy fitness.

    All members begin at the start; one mutation places them before the first round.
    """
    evolution, noises = Evolution(strategies), Random(1)
    population = clan([start] * members, [0.0] * members)
    placed = [
        evolution.mutate(
            me, member_rng(1, -1, rank), population_genomes=population, shared_rng=shared_rng(1, -1)
        )
        for rank, me in enumerate(population)
    ]
    history = [placed]
    for done in range(rounds):
        fitnesses = [
            (1.0 + math.fsum(latent(me, gene) ** 2 for gene in me.alleles))
            * math.exp(noise * noises.gauss())
            for me in history[-1]
        ]
        history.append(breed(evolution, clan(history[-1], fitnesses), done, done / rounds))
    return history
