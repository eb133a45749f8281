"""One member's turn in one generation: the arguments that all hook calls of it share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from types import MappingProxyType
from typing import Any
from uuid import UUID

import attrs

from clantune_core.alleles import AbstractAllele
from clantune_core.ancestry import Ancestry
from clantune_core.context import Context
from clantune_core.errors import AncestryError, ClanTuneError, StrategyError, shown
from clantune_core.genome import Genome, synthesize_genomes
from clantune_core.hooks.dispatch import Calls
from clantune_core.hooks.streams import SHARED, needs_shared_rng, stream
from clantune_core.population import Population
from clantune_core.rng import Draws, population_rng


@attrs.frozen
class Turn:
    """One member breeding from a population: select parents, crossbreed, mutate.

    The caller may act between these steps, as a clan does that inherits weights. The steps share
    the streams and the draws: `draw("x")` is one number for the whole offspring.

    Attributes:
        genome: This member's genome, as it was evaluated.
        population: All members' genomes, in rank order.
        context: Member, generation and progress; each hook call adds the gene.
        rng: This member's own random stream.
        shared_rng: The stream that is the same on every rank; None if no strategy takes it.
        draw: Numbers by name, from this member's own stream.
        shared_draw: Numbers by name, the same on every rank; None if no strategy takes them.
    """

    _calls: Calls = attrs.field(repr=False)
    genome: Genome
    population: Population
    context: Context
    rng: Random
    shared_rng: Random | None
    draw: Draws = attrs.field(kw_only=True)
    shared_draw: Draws | None = attrs.field(kw_only=True)

    @draw.default
    def _own_draws(self) -> Draws:
        return Draws(self.rng)

    @shared_draw.default
    def _shared_draws(self) -> Draws | None:
        return None if self.shared_rng is None else Draws(self.shared_rng, shared=True)

    def with_genome(self, genome: Genome) -> Turn:
        """Return the same turn with a changed genome of this member, such as with new metadata.

        Raises:
            ClanTuneError: It is the genome of another member.
        """
        if genome.uuid != self.genome.uuid:
            raise ClanTuneError(
                f"this is the turn of genome {self.genome.uuid}, not of {genome.uuid}"
            )
        return attrs.evolve(self, genome=genome)

    def select(self) -> Ancestry:
        """Return the ancestry of this member's offspring."""
        hook = "select_ancestry"
        answer, strategy = self._calls.caller(hook, "", self._arguments())(None)
        if answer is None:
            listed = [each.strategy for each in self._calls.implementations[hook]]
            why = f"{', '.join(listed)} returned None" if listed else f"no strategy has {hook}"
            raise StrategyError(
                f"no parents were selected: {why}; add a strategy that selects, such as a "
                "tournament, to the list, or pass an ancestry to crossbreed",
                hook=hook,
            )
        try:
            return Ancestry.of(answer).check(self.population)
        except AncestryError as error:
            error.add_note(f"in {hook} of strategy {strategy!r}")
            raise

    def crossbreed(self, ancestry: Ancestry | Iterable[tuple[float, UUID]]) -> Genome:
        """Return an offspring with this ancestry. Its identity depends on `rng`."""
        hook = "handle_crossbreeding"
        parents = Ancestry.of(ancestry).check(self.population)
        tell_where = hook in self._calls.tell_where
        arguments = self._arguments(ancestry=parents)
        call = self._calls.caller(hook, "my_allele", arguments)

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
        if self._calls.implementations[hook]:
            genome = synthesize_genomes(genome, self.population, combine)
        return genome.offspring(parents, self.rng)

    def mutate(self, genome: Genome) -> Genome:
        """Return a genome, usually this member's offspring, with its alleles mutated."""
        hook = "handle_mutating"
        tell_where = hook in self._calls.tell_where
        if not self._calls.implementations[hook]:
            return genome
        bred = genome.parents is not None and genome.parents.is_of(self.population)
        arguments = self._arguments(ancestry=genome.parents if bred else None)
        call = self._calls.caller(hook, "allele", arguments)
        made = dict(genome.alleles) if self._calls.show_offspring else None
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
            "draw": self.draw,
            **more,
        }
        if self.shared_rng is not None:
            given |= {"shared_rng": self.shared_rng, "shared_draw": self.shared_draw}
        return given


def begin_turn(
    calls: Calls,
    my_genome: Genome,
    population_genomes: Sequence[Genome] | None,
    rng: Random | None,
    *,
    shared_rng: Random | None = None,
    generation: int = 0,
    progress: float | None = None,
    step: str = "offspring",
) -> Turn:
    """Return the turn of a member.

    Args:
        calls: The hooks of the strategies.
        my_genome: This member's genome, one of the population.
        population_genomes: All members' genomes, in rank order; None for a genome without a
            population.
        rng: This member's random stream; None draws a seed from the system.
        shared_rng: The stream that is the same on every rank; None derives one from the identities
            of a population.
        generation: Number of the round, from 0.
        progress: Fraction of the run that is done, 0 to 1; None if it is not known.
        step: The step of the generation for which a stream is derived.
    """
    if not isinstance(my_genome, Genome):
        raise ClanTuneError(f"my_genome must be a Genome; got {shown(my_genome)}")
    if progress is not None and not _is_fraction(progress):
        raise ClanTuneError(f"progress must be from 0 to 1, or None; got {shown(progress)}")
    population = Population.of([my_genome] if population_genomes is None else population_genomes)
    if shared_rng is None and calls.share:
        if population_genomes is not None:
            shared_rng = population_rng(population, generation, step)
        elif calls.wants(*SHARED, hook="handle_mutating"):
            raise needs_shared_rng("handle_mutating")
    context = Context(
        rank=population.rank_of(my_genome),
        population_size=len(population),
        generation=generation,
        genes=my_genome.active_genes if calls.tell_where else (),  # only the context shows them
        progress=progress,
    )
    return Turn(calls, my_genome, population, context, stream(rng) or Random(), stream(shared_rng))


def _is_fraction(number: object) -> bool:
    return isinstance(number, int | float) and 0.0 <= number <= 1.0
