"""Mistakes that a type checker must see. An `ignore` that is not needed is an error itself."""

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
    Population,
    from_json,
    to_json,
)


@attrs.frozen
class Nudge(AbstractMutationStrategy):
    std: float = 0.1

    def handle_mutating(self, allele: AbstractAllele, rng: Random) -> AbstractAllele:
        return allele.with_latent(rng.gauss(0.0, self.std))  # type: ignore[attr-defined, no-any-return]


class ReturnsAValue(AbstractMutationStrategy):
    def handle_mutating(self, allele: ContinuousAllele) -> float:  # type: ignore[override]
        return allele.latent


class ForgetsToReturn(AbstractMutationStrategy):
    def handle_mutating(self, allele: AbstractAllele) -> None:  # type: ignore[override]
        allele.with_value(1)


class SelectsARank(AbstractCrossbreedingStrategy):
    def select_ancestry(self, population_genomes: Sequence[Genome]) -> int:  # type: ignore[override]
        return 0


class MutatesNothing(AbstractMutationStrategy):
    pass


MutatesNothing()  # type: ignore[abstract]

# What is frozen stays as it is.
allele = FloatAllele(0.5, (0.0, 1.0))
genome = Genome({"lr": allele})
allele.value = 0.1  # type: ignore[misc]
genome.fitness = 0.1  # type: ignore[misc]
genome.alleles["lr"] = allele  # type: ignore[index]
Nudge().std = 0.2  # type: ignore[misc]

# One thing where another is wanted.
Genome({"lr": 0.1})  # type: ignore[dict-item]
Genome([allele])  # type: ignore[arg-type]
Genome(uuid="mine")  # type: ignore[arg-type]
Genome(parents=[0.5, 0.5])  # type: ignore[list-item]
Genome(metadata=[1])  # type: ignore[arg-type]
FloatAllele(0.5, 0.0, 1.0)  # type: ignore[arg-type, call-arg]
FloatAllele(0.5, maximum=1.0)  # type: ignore[call-arg]
FloatAllele(0.5, metadata=allele)  # type: ignore[arg-type]
print(FloatAllele(0.5).choices)  # type: ignore[attr-defined]
IntAllele(3).with_latent("4")  # type: ignore[arg-type]
genome.add_hyperparameter("lr", 0.1)  # type: ignore[arg-type]
genome.set_fitness("low")  # type: ignore[arg-type]
genome.walk(lambda allele: allele)  # type: ignore[arg-type, misc]
genome.update(lambda allele, context: context.depth)  # type: ignore[arg-type, return-value]
Evolution(Nudge())  # type: ignore[arg-type]
Evolution([Nudge])  # type: ignore[list-item]
Evolution([Nudge()]).offspring([genome], genome)  # type: ignore[arg-type]
Evolution([Nudge()], print)  # type: ignore[call-arg]
Population([allele])  # type: ignore[list-item]
Ancestry.sole(genome, [genome])  # type: ignore[arg-type]
Context().gene = "lr"  # type: ignore[misc]
number: int = from_json(to_json(genome), Genome)  # type: ignore[assignment]
