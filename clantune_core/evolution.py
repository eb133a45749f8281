"""Evolution: an ordered list of strategies, and the calls of their hooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from uuid import UUID

import attrs

from clantune_core.ancestry import Ancestry
from clantune_core.errors import ClanTuneError, StrategyError, shown
from clantune_core.genome import Genome
from clantune_core.hooks.dispatch import Calls, Observer
from clantune_core.hooks.implementations import HOOKS
from clantune_core.hooks.setup import set_up
from clantune_core.hooks.turn import Turn, begin_turn
from clantune_core.strategies import AbstractStrategy, require_strategy
from clantune_core.tables import table


def _to_strategies(strategies: Iterable[AbstractStrategy]) -> tuple[AbstractStrategy, ...]:
    if isinstance(strategies, AbstractStrategy):
        raise StrategyError(f"strategies must be in a list: Evolution([{strategies!r}])")
    if not isinstance(strategies, Iterable):
        raise StrategyError(f"strategies must be in a list; got {shown(strategies)}")
    listed = tuple(strategies)
    for place, strategy in enumerate(listed):
        require_strategy(strategy, f"entry {place} of the list")
    return listed


@attrs.frozen
class Evolution:
    """An ordered list of strategies. They take effect in the order of the list.

    Attributes:
        strategies: Configured strategies. Installing a package never adds one.
        observer: Called with a `HookCall` after each call of a hook; `print` works.
    """

    strategies: tuple[AbstractStrategy, ...] = attrs.field(converter=_to_strategies)
    observer: Observer | None = attrs.field(default=None, kw_only=True, eq=False, repr=False)
    _calls: Calls = attrs.field(init=False, eq=False, repr=False)

    @_calls.default
    def _seat(self) -> Calls:
        return Calls(self.strategies, self.observer)

    def setup(
        self,
        genome: Genome,
        rng: Random | None = None,
        *,
        shared_rng: Random | None = None,
        rank: int = 0,
        population_size: int = 1,
    ) -> Genome:
        """Return the genome with the metadata that the strategies add to its genes.

        Args:
            genome: A genome with its hyperparameters, before the first generation.
            rng: This member's random stream; None draws a seed from the system.
            shared_rng: The stream that is the same on every rank, for strategies that take it.
            rank: This member's position in the population.
            population_size: Number of members.
        """
        return set_up(
            self._calls,
            genome,
            rng,
            shared_rng=shared_rng,
            rank=rank,
            population_size=population_size,
        )

    def turn(
        self,
        my_genome: Genome,
        population_genomes: Sequence[Genome],
        rng: Random | None = None,
        *,
        shared_rng: Random | None = None,
        generation: int = 0,
        progress: float | None = None,
    ) -> Turn:
        """Return this member's turn, which breeds a generation step by step.

        A caller that acts between the steps, for example to inherit weights, calls
        `turn.select()`, `turn.crossbreed(ancestry)` and `turn.mutate(genome)`. The three steps
        share the numbers that strategies draw by name.

        Args:
            my_genome: This member's genome, one of the population.
            population_genomes: All members' evaluated genomes, in rank order.
            rng: This member's random stream; None draws a seed from the system.
            shared_rng: The stream that is the same on every rank; None derives one from the
                population's identities.
            generation: Number of the round, from 0.
            progress: Fraction of the run that is done, 0 to 1; None if it is not known.
        """
        return begin_turn(
            self._calls,
            my_genome,
            population_genomes,
            rng,
            shared_rng=shared_rng,
            generation=generation,
            progress=progress,
            step="offspring",
        )

    def offspring(
        self,
        my_genome: Genome,
        population_genomes: Sequence[Genome],
        rng: Random | None = None,
        *,
        shared_rng: Random | None = None,
        generation: int = 0,
        progress: float | None = None,
    ) -> Genome:
        """Return this member's next genome: select, crossbreed, mutate. Arguments as in `turn`."""
        turn = self.turn(
            my_genome,
            population_genomes,
            rng,
            shared_rng=shared_rng,
            generation=generation,
            progress=progress,
        )
        return turn.mutate(turn.crossbreed(turn.select()))

    def select(
        self,
        my_genome: Genome,
        population_genomes: Sequence[Genome],
        rng: Random | None = None,
        *,
        shared_rng: Random | None = None,
        generation: int = 0,
        progress: float | None = None,
    ) -> Ancestry:
        """Return the ancestry of this member's next genome. Arguments as in `turn`."""
        return begin_turn(
            self._calls,
            my_genome,
            population_genomes,
            rng,
            shared_rng=shared_rng,
            generation=generation,
            progress=progress,
            step="select",
        ).select()

    def crossbreed(
        self,
        my_genome: Genome,
        population_genomes: Sequence[Genome],
        rng: Random | None = None,
        *,
        ancestry: Ancestry | Iterable[tuple[float, UUID]] | None = None,
        shared_rng: Random | None = None,
        generation: int = 0,
        progress: float | None = None,
    ) -> Genome:
        """Return an offspring that has not mutated yet. Arguments as in `turn`.

        `ancestry` is the result of an earlier selection; None selects one here.
        """
        turn = begin_turn(
            self._calls,
            my_genome,
            population_genomes,
            rng,
            shared_rng=shared_rng,
            generation=generation,
            progress=progress,
            step="crossbreed",
        )
        return turn.crossbreed(turn.select() if ancestry is None else ancestry)

    def mutate(
        self,
        genome: Genome,
        rng: Random | None = None,
        *,
        my_genome: Genome | None = None,
        population_genomes: Sequence[Genome] | None = None,
        shared_rng: Random | None = None,
        generation: int = 0,
        progress: float | None = None,
    ) -> Genome:
        """Return the genome with its alleles mutated; identity and parents stay.

        Arguments as in `turn`. A genome without a population may be mutated too.
        """
        if not isinstance(genome, Genome):
            raise ClanTuneError(f"mutate takes a Genome; got {shown(genome)}")
        return begin_turn(
            self._calls,
            genome if my_genome is None else my_genome,
            population_genomes,
            rng,
            shared_rng=shared_rng,
            generation=generation,
            progress=progress,
            step="mutate",
        ).mutate(genome)

    def implements(self, hook: str) -> bool:
        """Whether any strategy of the list implements a hook."""
        return bool(self._calls.implementations[hook])

    def explain(self) -> None:
        """Print which strategies implement each hook, in the order of the calls."""
        print(self)

    def __str__(self) -> str:
        without = {
            "handle_setup": "none: genomes stay as they are",
            "select_ancestry": "none: selecting is an error",
            "handle_crossbreeding": "none: a member keeps its own alleles",
            "handle_mutating": "none: alleles stay as they are",
        }
        rows = []
        for hook, style in HOOKS.items():
            names = [each.strategy for each in self._calls.implementations[hook]]
            joint = " -> " if style == "fold" else ", else "
            rows.append((hook, style, joint.join(names) or without[hook]))
        listed = "\n".join(f"  {i}: {strategy!r}" for i, strategy in enumerate(self.strategies))
        return (
            f"strategies\n{listed or '  none'}\n{table(('hook', 'called as', 'order'), rows, '')}"
        )
