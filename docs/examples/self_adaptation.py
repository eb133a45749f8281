"""A complete evolution with the core alone: 32 members search the minimum of a bowl.

It needs three strategies, which are defined below: a selection, a crossbreeding and a mutation. The
mutation adapts its step size. The metadata of each gene contains the step size as an allele, which
mutates before the gene that reads it, so members with a better step size have better offspring. The
step size starts far too small, grows while the minimum is far away, and shrinks near it.

Run it: python docs/examples/self_adaptation.py
"""

import argparse
import math
import statistics
from collections.abc import Sequence
from random import Random

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractCrossbreedingStrategy,
    AbstractMutationStrategy,
    Ancestry,
    Context,
    ContinuousAllele,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    Population,
    member_rng,
)


@attrs.frozen
class BestPair(AbstractCrossbreedingStrategy):
    """Two random members of the best eighth are the parents."""

    def select_ancestry(self, population_genomes: Population, rng: Random) -> Ancestry:
        fitnesses = population_genomes.fitnesses()
        ranked = sorted(range(len(fitnesses)), key=fitnesses.__getitem__)
        elite = ranked[: max(2, len(ranked) // 8)]
        parents = rng.sample(elite, 2)
        weights = [float(rank in parents) for rank in range(len(fitnesses))]
        return Ancestry.from_weights(weights, population_genomes)


@attrs.frozen
class Average(AbstractCrossbreedingStrategy):
    """Each gene and each step size is the mean of the parents' values on the latent line."""

    def handle_crossbreeding(
        self,
        my_allele: AbstractAllele,
        population_alleles: Sequence[ContinuousAllele],
        ancestry: Ancestry,
    ) -> AbstractAllele | None:
        if not isinstance(my_allele, ContinuousAllele):
            return None
        latent = sum(p * population_alleles[rank].latent for rank, p in ancestry.contributors)
        return my_allele.with_latent(latent)


@attrs.frozen
class SelfAdaptive(AbstractMutationStrategy):
    """Gaussian noise whose standard deviation evolves with the gene."""

    first_std: float = 0.05
    rate: float = 0.7

    def handle_setup(self, allele: AbstractAllele) -> AbstractAllele:
        return allele.with_metadata(std=LogFloatAllele(self.first_std, (1e-6, 10.0)))

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, rng: Random
    ) -> AbstractAllele:
        if not isinstance(allele, ContinuousAllele):
            return allele
        std = allele.metadata["std"] if context.is_hyperparameter else self.rate
        return allele.with_latent(allele.latent + rng.gauss(0.0, std))


OPTIMUM = {"lr": 3e-4, "momentum": 0.97, "weight": 4.0, "width": 48}
MEMBERS = 32
GENERATIONS = 45


def first_genome() -> Genome:
    """Return a genome in which every gene is several steps from its optimum, on its own scale."""
    return Genome(
        {
            "lr": LogFloatAllele(3e-2, (1e-6, 1.0)),
            "momentum": LogitFloatAllele(0.5),
            "weight": FloatAllele(-2.0, (-10.0, 10.0)),
            "width": IntAllele(40, (1, 512)),
        }
    )


def loss(genome: Genome) -> float:
    """Return the squared distance to the optimum on the latent lines, summed over genes."""
    distances = {
        name: allele.with_value(OPTIMUM[name]).latent - allele.latent
        for name, allele in genome.alleles.items()
        if isinstance(allele, ContinuousAllele)
    }
    return sum(distance**2 for distance in distances.values())


def mean_std(population: list[Genome]) -> float:
    """Return the geometric mean of all step sizes."""
    stds = [allele.metadata["std"].value for g in population for allele in g.alleles.values()]
    return statistics.geometric_mean(stds)


def bar(value: float, low: float, high: float, width: int = 24) -> str:
    """Return a bar on a logarithmic scale."""
    share = (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    filled = round(width * min(1.0, max(0.0, share)))
    return "#" * filled + "." * (width - filled)


def main(seed: int = 0) -> None:
    """Evolve, print every third generation, and print the result."""
    evolution = Evolution([BestPair(), Average(), SelfAdaptive()])
    evolution.explain()

    population = [evolution.setup(first_genome()).with_uuid() for _ in range(MEMBERS)]
    print(f"\n{'generation':>10}  {'best loss':>10}  {'step size':>10}  step size, .001 to 1")
    for generation in range(GENERATIONS + 1):
        population = [genome.set_fitness(loss(genome)) for genome in population]
        if generation % 3 == 0:
            best = min(genome.fitness or 0.0 for genome in population)
            std = mean_std(population)
            print(f"{generation:>10}  {best:>10.3g}  {std:>10.3g}  {bar(std, 1e-3, 1.0)}")
        if generation < GENERATIONS:
            members = Population(population)
            population = [
                evolution.offspring(
                    me, members, member_rng(seed, generation, rank), generation=generation
                )
                for rank, me in enumerate(members)
            ]

    winner = min(population, key=lambda genome: genome.fitness or 0.0)
    print(f"\n{'gene':<10}  {'start':>10}  {'found':>10}  {'optimum':>10}")
    start = first_genome().as_hyperparameters()
    for name, found in winner.as_hyperparameters().items():
        print(f"{name:<10}  {start[name]:>10.4g}  {found:>10.4g}  {OPTIMUM[name]:>10.4g}")
    print(f"\nloss {loss(first_genome()):.3g} -> {winner.fitness:.3g}. The winner:\n{winner!r}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of all random streams (default: 0)"
    )
    main(parser.parse_args().seed)
