"""What the author of a strategy writes: hooks take what they name, kinds keep their own type."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, ClassVar, assert_type
from uuid import UUID

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractCrossbreedingStrategy,
    AbstractMutationStrategy,
    AbstractStrategy,
    Ancestry,
    Context,
    ContinuousAllele,
    DiscreteAllele,
    Genome,
    LogFloatAllele,
    Population,
    Range,
    allele_kind,
    call_hook,
    hookimpl,
)


@attrs.frozen
class Bare(AbstractMutationStrategy):
    def handle_mutating(self, allele: AbstractAllele) -> AbstractAllele:
        return allele


@attrs.frozen
class Gaussian(AbstractMutationStrategy):
    std: float = 0.1

    def handle_setup(self, allele: AbstractAllele, context: Context) -> AbstractAllele:
        return allele.with_metadata(std=LogFloatAllele(self.std), gene=context.gene)

    # In another order than the specification's, and none of the rest.
    def handle_mutating(
        self, rng: Random, allele: AbstractAllele, ancestry: Ancestry | None
    ) -> AbstractAllele:
        if ancestry is not None:
            assert_type(ancestry.contributors, tuple[tuple[int, float], ...])
        if isinstance(allele, ContinuousAllele):
            assert_type(allele.latent, float)
            moved = allele.with_latent(allele.latent + rng.gauss(0.0, self.std))
            assert_type(moved, ContinuousAllele)
            return moved
        if isinstance(allele, DiscreteAllele):
            return allele.with_value(rng.choice(allele.choices))
        return allele


@attrs.frozen
class Everything(AbstractMutationStrategy):
    @hookimpl(trylast=True)
    def handle_mutating(
        self,
        allele: AbstractAllele,
        population_alleles: Sequence[AbstractAllele],
        ancestry: Ancestry | None,
        my_genome: Genome,
        population_genomes: Sequence[Genome],
        context: Context,
        rng: Random,
        shared_rng: Random,
    ) -> AbstractAllele:
        assert_type(context.progress, float | None)
        assert_type(context.genes, tuple[str, ...])
        return population_alleles[context.rank] if shared_rng.random() < 0.5 else allele


@attrs.frozen
class Holds(AbstractMutationStrategy):
    """Names what it changes, and passes the rest on."""

    strategy: AbstractStrategy

    def handle_mutating(
        self, allele: AbstractAllele, context: Context, **offered: Any
    ) -> AbstractAllele:
        if context.path:
            return allele
        made: AbstractAllele = call_hook(
            self.strategy, "handle_mutating", allele=allele, context=context, **offered
        )
        return made


@attrs.frozen
class Best(AbstractCrossbreedingStrategy):
    def select_ancestry(self, population_genomes: Population) -> Ancestry:
        fitnesses = population_genomes.fitnesses()
        assert_type(fitnesses, tuple[float, ...])
        return Ancestry.sole(fitnesses.index(min(fitnesses)), population_genomes)


@attrs.frozen
class Pairs(AbstractCrossbreedingStrategy):
    def select_ancestry(
        self, population_genomes: Sequence[Genome]
    ) -> Iterable[tuple[float, UUID]] | None:
        return [(1.0 / len(population_genomes), genome.uuid) for genome in population_genomes]

    def handle_crossbreeding(
        self, my_allele: AbstractAllele, ancestry: Ancestry
    ) -> AbstractAllele | None:
        return my_allele if ancestry.dominant == 0 else None


@attrs.frozen
class Wrapped(AbstractCrossbreedingStrategy):
    inner: AbstractCrossbreedingStrategy

    def select_ancestry(self, **arguments: Any) -> Ancestry | None:
        answer = self.inner.select_ancestry(**arguments)
        return None if answer is None else Ancestry.of(answer)


@attrs.frozen
class Neither(AbstractStrategy):
    def apply_strategy(self, genome: Genome) -> Genome:
        return self.setup_genome(genome, Random(0))


@allele_kind("case")
@attrs.frozen(repr=False)
class MyAllele(ContinuousAllele):
    widest: ClassVar[Range] = Range(0.0, 1.0)

    def to_latent(self, value: float) -> float:
        return value

    def from_latent(self, latent: float) -> float:
        return latent


assert_type(MyAllele(0.5).with_latent(0.1), MyAllele)
assert_type(MyAllele(0.5).with_value(0.1), MyAllele)
assert_type(MyAllele(0.5).with_metadata(note="mine").without_metadata("note"), MyAllele)
assert_type(MyAllele.kind, str)
