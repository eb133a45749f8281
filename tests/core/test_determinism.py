"""Under one seed, two processes breed the same generations, bit for bit.

This file is also the program that they run.
"""

import json
import math
import os
import subprocess
import sys
from uuid import UUID

import attrs

from clantune_core import (
    AbstractCrossbreedingStrategy,
    AbstractMutationStrategy,
    Ancestry,
    BoolAllele,
    ContinuousAllele,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    StringAllele,
    member_rng,
    shared_rng,
    to_json,
)

MEMBERS = 4
GENERATIONS = 5


@attrs.frozen
class Adaptive(AbstractMutationStrategy):
    """Moves along the latent line by a step size that moves itself; flips what has no line."""

    def handle_setup(self, allele, rng):
        return allele.with_metadata(std=LogFloatAllele(0.1 + rng.random(), (1e-3, 10.0)))

    def handle_mutating(self, allele, context, rng):
        if not isinstance(allele, ContinuousAllele):
            return allele.with_value(rng.choice(allele.choices))
        noise = rng.gauss(0.0, allele.metadata.get("std", 0.3) / math.sqrt(len(context.genes)))
        return allele.with_latent(allele.latent + noise)


@attrs.frozen
class Recombine(AbstractCrossbreedingStrategy):
    """Breeds from the better ones of pairs that all ranks agree on, gene by gene."""

    def select_ancestry(self, population_genomes, rng, shared_rng):
        fitnesses = population_genomes.fitnesses()
        weights = [0.0] * len(fitnesses)
        for pick in (shared_rng, rng):
            pair = pick.sample(range(len(fitnesses)), 2)
            weights[min(pair, key=fitnesses.__getitem__)] += pick.random()
        return Ancestry.from_weights(weights, population_genomes)

    def handle_crossbreeding(self, population_alleles, ancestry, rng):
        ranks, weights = zip(*ancestry.contributors, strict=True)
        return population_alleles[rng.choices(ranks, weights)[0]]


def breed(seed):
    """Return the JSON of every member of every generation."""
    evolution = Evolution([Recombine(), Adaptive()])
    genes = {
        "lr": LogFloatAllele(1e-3, (1e-6, 1.0)),
        "beta": LogitFloatAllele(0.9),
        "margin": FloatAllele(0.0),
        "layers": IntAllele(3, (1, 9)),
        "nesterov": BoolAllele(True),
        "schedule": StringAllele("cosine", ("cosine", "linear", "constant")),
    }
    members = [
        evolution.setup(Genome(genes, uuid=UUID(int=rank)), member_rng(seed, 0, rank))
        for rank in range(MEMBERS)
    ]
    documents = []
    for generation in range(1, GENERATIONS + 1):
        scored = [m.set_fitness(abs(m.alleles["margin"].value - 1.0)) for m in members]
        members = [
            evolution.offspring(
                genome,
                scored,
                member_rng(seed, generation, rank),
                shared_rng=shared_rng(seed, generation),
                generation=generation,
            )
            for rank, genome in enumerate(scored)
        ]
        documents += map(to_json, members)
    return documents


def in_another_process(seed, hash_seed):
    answer = subprocess.run(
        [sys.executable, __file__, str(seed)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout)


def test_two_processes_breed_the_same_generations_bit_for_bit():
    one = in_another_process(seed=7, hash_seed="1")
    assert one == in_another_process(seed=7, hash_seed="4242")
    assert one == breed(7)
    assert len(one) == MEMBERS * GENERATIONS
    assert len({*one}) == len(one)


def test_another_seed_breeds_others():
    assert {*breed(7)}.isdisjoint(breed(8))


def test_what_was_bred_in_another_process_reads_as_what_is_bred_here():
    there = [Genome.deserialize(text) for text in in_another_process(seed=9, hash_seed="3")]
    here = [Genome.deserialize(text) for text in breed(9)]
    assert there == here
    assert len({genome.uuid for genome in here}) == len(here)


if __name__ == "__main__":
    print(json.dumps(breed(int(sys.argv[1]))))
