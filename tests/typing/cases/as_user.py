"""What somebody who tunes a run writes."""

from collections.abc import Sequence
from random import Random
from typing import Any, assert_type

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    AbstractStrategy,
    Ancestry,
    Context,
    Evolution,
    FloatAllele,
    Genome,
    HookCall,
    InstalledStrategy,
    IntAllele,
    LogFloatAllele,
    Population,
    StringAllele,
    can_mutate,
    deserialize,
    from_json,
    is_hyperparameter,
    load_strategy,
    member_rng,
    serialize,
    strategies,
    synthesize_genomes,
    synthesize_trees,
    to_json,
    walk_genomes,
    walk_trees,
)


@attrs.frozen
class Nudge(AbstractMutationStrategy):
    def handle_mutating(self, allele: AbstractAllele) -> AbstractAllele:
        return allele


# Genes.
assert_type(FloatAllele(0.5, domain=(0.0, 1.0)).with_latent(0.3), FloatAllele)
assert_type(IntAllele(3, (None, 9)).with_value(4).latent, float)
assert_type(StringAllele("cosine", ("cosine", "linear")).choices, tuple[Any, ...])
alleles = {"lr": LogFloatAllele(1e-3), "batch": IntAllele(32, (1, 512), can_mutate=False)}
genome = Genome(alleles).add_hyperparameter("momentum", FloatAllele(0.9))
assert_type(genome, Genome)
assert_type(genome.alleles["lr"], AbstractAllele)
assert_type(genome.as_hyperparameters(), dict[str, Any])
assert_type(genome.set_fitness(0.5).get_fitness(), float | None)
assert_type(genome.parents, Ancestry | None)
assert_type(genome.with_metadata({"run": 1}, note="first").with_uuid(), Genome)


# Trees: a walk returns what the handler does.
def place(allele: AbstractAllele, context: Context) -> str:
    return f"{context.place}: {allele.value}"


def widest(nodes: Sequence[AbstractAllele], context: Context) -> int:
    return max(len(node.metadata) for node in nodes)


def first(
    template: AbstractAllele, nodes: Sequence[AbstractAllele], context: Context
) -> AbstractAllele:
    return nodes[0]


assert_type(genome.walk(place), list[str])
assert_type(genome.walk(lambda allele, context: context.depth), list[int])
assert_type(genome.walk(place, is_hyperparameter), list[str])
assert_type(genome.alleles["lr"].walk_tree(place), list[str])
assert_type(walk_genomes([genome, genome], widest, can_mutate), list[int])
assert_type(walk_trees([FloatAllele(1.0)], widest), list[int])
assert_type(genome.update(lambda allele, context: allele.with_value(1)), Genome)
assert_type(genome.synthesize([genome], first), Genome)
assert_type(synthesize_genomes(genome, [genome], first), Genome)
assert_type(synthesize_trees(FloatAllele(1.0), [FloatAllele(2.0)], first), AbstractAllele)


# A generation.
def watch(step: HookCall) -> None:
    assert_type(step.before, AbstractAllele | None)


evolution = Evolution([Nudge(), Nudge()], observer=watch)
assert_type(Evolution((Nudge(),), observer=print).strategies, tuple[AbstractStrategy, ...])
population = Population([evolution.setup(genome, Random(0)) for _ in range(4)])
assert_type(population[0], Genome)
assert_type(population[1:], Sequence[Genome])
rng = member_rng(seed=0, generation=0, rank=0)
assert_type(evolution.offspring(population[0], population, rng, generation=1), Genome)
assert_type(evolution.offspring(population[0], list(population), progress=0.5), Genome)
assert_type(evolution.select(population[0], population), Ancestry)
assert_type(Nudge().apply_strategy(genome), Genome)

# Plain data, and what is installed.
assert_type(genome.serialize(), dict[str, Any])
assert_type(Genome.deserialize(genome.serialize()), Genome)
assert_type(deserialize(serialize(evolution), Evolution), Evolution)
assert_type(from_json(to_json(genome), Genome), Genome)
# mypy's rule for abstract classes (its issue 4717); other checkers take these two as they are.
read = from_json(to_json(FloatAllele(0.1)), AbstractAllele)  # type: ignore[type-abstract]
assert_type(read, AbstractAllele)
loaded = deserialize(serialize(Nudge()), AbstractStrategy)  # type: ignore[type-abstract]
assert_type(loaded, AbstractStrategy)
assert_type(load_strategy("gust", chance=0.5), AbstractStrategy)
assert_type(strategies(), tuple[InstalledStrategy, ...])
