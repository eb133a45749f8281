"""One member's turn in one generation: what all hook calls of it have in common."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from types import MappingProxyType
from typing import Any

import attrs

from clantune_core._allele import AbstractAllele
from clantune_core._calling import Calls
from clantune_core.ancestry import Ancestry
from clantune_core.context import Context
from clantune_core.errors import AncestryError, StrategyError
from clantune_core.genome import Genome, synthesize_genomes
from clantune_core.population import Population
from clantune_core.rng import Once


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
        once: What all genes of the offspring have in common.
        shared_once: The same on every rank; None if no strategy takes it.
    """

    calls: Calls
    genome: Genome
    population: Population
    context: Context
    rng: Random
    shared_rng: Random | None
    once: Once = attrs.field(init=False)
    shared_once: Once | None = attrs.field(init=False)

    @once.default
    def _own_numbers(self) -> Once:
        return Once(self.rng)

    @shared_once.default
    def _shared_numbers(self) -> Once | None:
        return None if self.shared_rng is None else Once(self.shared_rng, shared=True)

    def select(self) -> Ancestry:
        """Return the ancestry of this member's offspring."""
        hook = "select_ancestry"
        answer, strategy = self.calls.caller(hook, "", self._arguments())(None)
        if answer is None:
            listed = [step.strategy for step in self.calls.implementations[hook]]
            who = f"{', '.join(listed)} returned None" if listed else "no strategy in the list does"
            raise StrategyError(
                f"nobody selects parents: {who}; add a strategy with select_ancestry, such as "
                "a tournament, to the list, or give an ancestry to crossbreed",
                hook=hook,
            )
        try:
            return Ancestry.of(answer).check(self.population)
        except AncestryError as error:
            error.add_note(f"in {hook} of strategy {strategy!r}")
            raise

    def crossbreed(self, ancestry: Ancestry) -> Genome:
        """Return an offspring with this ancestry, its identity drawn from `rng`."""
        hook = "handle_crossbreeding"
        tell_where = hook in self.calls.tell_where
        arguments = self._arguments(ancestry=ancestry)
        call = self.calls.caller(hook, "my_allele", arguments)

        def combine(
            mine: AbstractAllele, nodes: Sequence[AbstractAllele], place: Context
        ) -> AbstractAllele:
            if not mine.can_crossbreed:
                return mine
            arguments["population_alleles"] = nodes
            if tell_where:
                arguments["context"] = self.context.at(place.gene, place.path)
            answer: AbstractAllele = call(mine)[0]
            return answer

        genome = self.genome
        if self.calls.implementations[hook]:
            genome = synthesize_genomes(genome, self.population, combine)
        return genome.offspring(ancestry, self.rng)

    def mutate(self, genome: Genome) -> Genome:
        """Return a genome, this member's offspring as a rule, with its alleles mutated."""
        hook = "handle_mutating"
        tell_where = hook in self.calls.tell_where
        if not self.calls.implementations[hook]:
            return genome
        bred = genome.parents is not None and genome.parents.is_of(self.population)
        arguments = self._arguments(ancestry=genome.parents if bred else None)
        call = self.calls.caller(hook, "allele", arguments)
        made = dict(genome.alleles) if self.calls.show_offspring else None
        if made is not None:
            arguments["offspring_alleles"] = MappingProxyType(made)

        def change(
            node: AbstractAllele, nodes: Sequence[AbstractAllele], place: Context
        ) -> AbstractAllele:
            if not node.can_mutate:
                return node
            arguments["population_alleles"] = nodes
            if tell_where:
                arguments["context"] = self.context.at(place.gene, place.path)
            after: AbstractAllele = call(node)[0]
            if made is not None and not place.path:
                made[place.gene] = after
            return after

        return synthesize_genomes(genome, self.population, change)

    def _arguments(self, **more: object) -> dict[str, Any]:
        given = {
            "my_genome": self.genome,
            "population_genomes": self.population,
            "context": self.context,
            "rng": self.rng,
            "once": self.once,
            **more,
        }
        if self.shared_rng is not None:
            given |= {"shared_rng": self.shared_rng, "shared_once": self.shared_once}
        return given
