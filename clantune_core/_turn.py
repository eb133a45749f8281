"""One member's turn in one generation: what all hook calls of it have in common."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import attrs

from clantune_core._allele import AbstractAllele
from clantune_core._calling import Calls
from clantune_core.ancestry import Ancestry
from clantune_core.context import Context
from clantune_core.errors import AncestryError, StrategyError
from clantune_core.genome import Genome, synthesize_genomes
from clantune_core.population import Population
from clantune_core.trees import can_crossbreed, can_mutate


@attrs.frozen
class Turn:
    """One member breeding from a population.

    Attributes:
        calls: The hooks of the strategies.
        genome: This member's genome, as it was evaluated.
        population: All members' genomes.
        context: Where we are; the gene is filled in at each call.
        rng: This member's own random stream.
        shared_rng: The stream that is the same on every rank; None if no strategy takes it.
    """

    calls: Calls
    genome: Genome
    population: Population
    context: Context
    rng: Random
    shared_rng: Random | None

    def select(self) -> Ancestry:
        """Return the ancestry of this member's offspring."""
        hook = "select_ancestry"
        answer, strategy = self.calls.first(hook, None, self._arguments())
        if answer is None:
            listed = [step.strategy for step in self.calls.implementations[hook]]
            who = f"{', '.join(listed)} passed" if listed else "no strategy in the list does"
            raise StrategyError(
                f"nobody selects parents: {who}; add a strategy with select_ancestry, such as "
                "a tournament, to the list",
                hook=hook,
            )
        try:
            return Ancestry.of(answer).check(self.population)
        except AncestryError as error:
            error.add_note(f"in {hook} of strategy {strategy!r}")
            raise

    def crossbreed(self, ancestry: Ancestry) -> Genome:
        """Return an offspring with this ancestry, its identity drawn from `rng`."""

        arguments = self._arguments(ancestry=ancestry)

        def combine(
            mine: AbstractAllele, nodes: Sequence[AbstractAllele], context: Context
        ) -> AbstractAllele:
            arguments["my_allele"] = mine
            arguments["population_alleles"] = nodes
            arguments["context"] = context
            answer: AbstractAllele | None
            answer, _ = self.calls.first("handle_crossbreeding", mine, arguments)
            return mine if answer is None else answer

        genome = self.genome
        if self.calls.implementations["handle_crossbreeding"]:
            genome = synthesize_genomes(
                genome, self.population, combine, can_crossbreed, context=self.context
            )
        return genome.offspring(ancestry, self.rng)

    def mutate(self, genome: Genome) -> Genome:
        """Return a genome, this member's offspring as a rule, with its alleles mutated."""
        arguments = self._arguments(ancestry=genome.parents)

        def change(
            node: AbstractAllele, nodes: Sequence[AbstractAllele], context: Context
        ) -> AbstractAllele:
            arguments["population_alleles"] = nodes
            arguments["context"] = context
            return self.calls.fold("handle_mutating", "allele", node, arguments)

        if not self.calls.implementations["handle_mutating"]:
            return genome
        return synthesize_genomes(genome, self.population, change, can_mutate, context=self.context)

    def _arguments(self, **more: object) -> dict[str, Any]:
        return {
            "my_genome": self.genome,
            "population_genomes": self.population,
            "context": self.context,
            "rng": self.rng,
            "shared_rng": self.shared_rng,
            **more,
        }
