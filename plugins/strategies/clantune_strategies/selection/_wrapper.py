"""What the strategies that hold another one have in common, so that each writes only its own."""

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
    ask,
)
from clantune_strategies._wrapper import with_own_stream


class Wrapper(AbstractCrossbreedingStrategy):
    """Holds another strategy, and passes on every hook that this one may have."""

    strategy: AbstractStrategy

    def handle_setup(self, **offered: Any) -> AbstractAllele:
        """Set up what the strategy inside learns."""
        made: AbstractAllele = ask(self.strategy, "handle_setup", **offered)
        return made

    def handle_crossbreeding(self, **offered: Any) -> AbstractAllele | None:
        """Leave it to the strategy inside."""
        answer: AbstractAllele | None = ask(self.strategy, "handle_crossbreeding", **offered)
        return answer

    def handle_mutating(self, **offered: Any) -> AbstractAllele:
        """Leave it to the strategy inside."""
        made: AbstractAllele = ask(self.strategy, "handle_mutating", **offered)
        return made

    def _ask_inside(self, population_genomes: Population, **offered: Any) -> Ancestry | None:
        """Return whom the strategy inside selects from a population; None if it leaves that."""
        answer = ask(
            self.strategy, "select_ancestry", population_genomes=population_genomes, **offered
        )
        return None if answer is None else Ancestry.of(answer).check(population_genomes)


class SomeMembers(Wrapper):
    """The strategy inside selects among some of the members only."""

    @abc.abstractmethod
    def _candidates(self, me: int, population_genomes: Population) -> Sequence[int]:
        """Return the ranks of those who may become parents, one or more."""

    def select_ancestry(
        self, my_genome: Genome, population_genomes: Population, context: Context, **offered: Any
    ) -> Ancestry | None:
        """Let it select from them; a member that is no candidate takes part, for nothing."""
        me = population_genomes.rank_of(my_genome)
        candidates = self._candidates(me, population_genomes)
        present = sorted({me, *candidates})
        offered = with_own_stream(self.strategy, "select_ancestry", offered)
        chosen = self._ask_inside(
            Population([population_genomes[rank] for rank in present]),
            my_genome=my_genome,
            context=attrs.evolve(context, rank=present.index(me), population_size=len(present)),
            **offered,
        )
        if chosen is None:
            return None
        allowed = set(candidates)
        shares = {present[place]: share for place, share in chosen.contributors}
        shares = {rank: share for rank, share in shares.items() if rank in allowed}
        if not shares:
            shares = {min(candidates, key=population_genomes.fitnesses().__getitem__): 1.0}
        return Ancestry.from_shares(shares, population_genomes)


class OtherFitness(Wrapper):
    """The strategy inside sees other fitnesses than those that were measured."""

    @abc.abstractmethod
    def _fitnesses(self, population_genomes: Population, context: Context) -> Sequence[float]:
        """Return what it sees, in rank order; infinity for the dead."""

    def select_ancestry(
        self, my_genome: Genome, population_genomes: Population, context: Context, **offered: Any
    ) -> Ancestry | None:
        """Let it select by them."""
        seen = self._seen(my_genome, population_genomes, context)
        return self._ask_inside(context=context, **seen, **offered)

    def handle_mutating(self, **offered: Any) -> AbstractAllele:
        """Leave it to the strategy inside, which remembers the fitnesses that it saw."""
        # Only where it may remember, because it takes as long as selecting.
        if may_remember(offered) and hasattr(self.strategy, "handle_mutating"):
            seen = (offered[name] for name in ("my_genome", "population_genomes", "context"))
            offered |= self._seen(*seen)
        return super().handle_mutating(**offered)

    def _seen(
        self, my_genome: Genome, population_genomes: Population, context: Context
    ) -> dict[str, Any]:
        me = population_genomes.rank_of(my_genome)
        seen = population_genomes.with_fitnesses(self._fitnesses(population_genomes, context))
        return {"my_genome": seen[me], "population_genomes": seen}


def may_remember(offered: Mapping[str, Any]) -> bool:
    """Whether what belongs to a whole genome is kept here, as it mutates: at its first active gene.

    A genome that was not bred from this population has nothing to remember of it.
    """
    context: Context = offered["context"]
    is_first = context.is_hyperparameter and context.genes[:1] == (context.gene,)
    return is_first and offered["ancestry"] is not None
