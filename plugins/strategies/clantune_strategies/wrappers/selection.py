"""Base classes for strategies that wrap a selection."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractCrossbreedingStrategy,
    AbstractStrategy,
    Ancestry,
    Context,
    Genome,
    Population,
    call_hook,
)
from clantune_strategies.wrappers.streams import with_own_shared_rng


class SelectionWrapper(AbstractCrossbreedingStrategy):
    """Wraps another strategy and forwards its other hooks.

    A derived class implements `select_ancestry` with `inner_select`.
    """

    strategy: AbstractStrategy

    def handle_setup(self, **arguments: Any) -> AbstractAllele:
        """Set up the wrapped strategy."""
        result: AbstractAllele = call_hook(self.strategy, "handle_setup", **arguments)
        return result

    def handle_crossbreeding(self, **arguments: Any) -> AbstractAllele | None:
        """Forward to the wrapped strategy."""
        answer: AbstractAllele | None = call_hook(
            self.strategy, "handle_crossbreeding", **arguments
        )
        return answer

    def handle_mutating(self, **arguments: Any) -> AbstractAllele:
        """Forward to the wrapped strategy."""
        result: AbstractAllele = call_hook(self.strategy, "handle_mutating", **arguments)
        return result

    def inner_select(self, population_genomes: Population, **arguments: Any) -> Ancestry | None:
        """Return the ancestry that the wrapped strategy selects, or None if it selects none."""
        answer = call_hook(
            self.strategy, "select_ancestry", population_genomes=population_genomes, **arguments
        )
        return None if answer is None else Ancestry.of(answer).check(population_genomes)


class SubsetWrapper(SelectionWrapper):
    """The wrapped strategy selects among some of the members only."""

    @abc.abstractmethod
    def candidates(self, me: int, population_genomes: Population) -> Sequence[int]:
        """Return the ranks that may become parents of member `me`, at least one."""

    def select_ancestry(
        self, my_genome: Genome, population_genomes: Population, context: Context, **arguments: Any
    ) -> Ancestry | None:
        """Select among the candidates.

        The wrapped strategy also sees this member, so that it knows for whom it selects. If this
        member is not a candidate, its share goes to the others.
        """
        me = population_genomes.rank_of(my_genome)
        candidates = self.candidates(me, population_genomes)
        visible = sorted({me, *candidates})
        arguments = with_own_shared_rng(self.strategy, "select_ancestry", arguments)
        ancestry = self.inner_select(
            Population([population_genomes[rank] for rank in visible]),
            my_genome=my_genome,
            context=attrs.evolve(context, rank=visible.index(me), population_size=len(visible)),
            **arguments,
        )
        if ancestry is None:
            return None
        allowed = set(candidates)
        shares = {visible[index]: share for index, share in ancestry.contributors}
        shares = {rank: share for rank, share in shares.items() if rank in allowed}
        if not shares:
            shares = {min(candidates, key=population_genomes.fitnesses().__getitem__): 1.0}
        return Ancestry.from_shares(shares, population_genomes)


class FitnessWrapper(SelectionWrapper):
    """The wrapped strategy sees other fitnesses than the measured ones."""

    @abc.abstractmethod
    def visible_fitnesses(
        self, population_genomes: Population, context: Context
    ) -> Sequence[float]:
        """Return the fitnesses to show, in rank order; infinity for a failed member."""

    def select_ancestry(
        self, my_genome: Genome, population_genomes: Population, context: Context, **arguments: Any
    ) -> Ancestry | None:
        """Select by the other fitnesses."""
        genomes = self._with_other_fitnesses(my_genome, population_genomes, context)
        return self.inner_select(context=context, **genomes, **arguments)

    def handle_mutating(self, **arguments: Any) -> AbstractAllele:
        """Forward to the wrapped strategy, which may store the fitnesses that it sees."""
        # Only where the strategy may store something: the fitnesses cost as much as a selection.
        if stores_genome_memory(arguments) and hasattr(self.strategy, "handle_mutating"):
            names = ("my_genome", "population_genomes", "context")
            arguments |= self._with_other_fitnesses(*(arguments[name] for name in names))
        return super().handle_mutating(**arguments)

    def _with_other_fitnesses(
        self, my_genome: Genome, population_genomes: Population, context: Context
    ) -> dict[str, Any]:
        me = population_genomes.rank_of(my_genome)
        fitnesses = self.visible_fitnesses(population_genomes, context)
        population = population_genomes.with_fitnesses(fitnesses)
        return {"my_genome": population[me], "population_genomes": population}


def stores_genome_memory(arguments: Mapping[str, Any]) -> bool:
    """Whether a `handle_mutating` call is the one that stores what belongs to a whole genome.

    That is the call for the first active gene, whose metadata is inherited and saved. A genome that
    was not bred from this population has nothing to store.
    """
    context: Context = arguments["context"]
    is_first = context.is_hyperparameter and context.genes[:1] == (context.gene,)
    return is_first and arguments["ancestry"] is not None
