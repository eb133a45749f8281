"""A case: a strategy, a population and a seed. The laws for strategies are tried on cases."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from random import Random
from typing import Any, cast

import attrs
from hypothesis import strategies as st

from clantune_core.ancestry import Ancestry
from clantune_core.data.documents import to_json
from clantune_core.errors import StrategyError
from clantune_core.evolution import Evolution
from clantune_core.genome import Genome
from clantune_core.hooks.dispatch import Observer
from clantune_core.hooks.implementations import implemented_hooks
from clantune_core.population import Population
from clantune_core.rng import member_rng, shared_rng
from clantune_core.strategies import AbstractStrategy
from clantune_core.testing.generators import Genes, ancestries, populations

FOREIGN = {"another strategy's note": 7}
"""Metadata of another strategy, in every node of every case."""


@attrs.frozen(repr=False)
class Case:
    """One strategy in one situation. Each hook can run again and again from the same seed.

    Attributes:
        strategy: The strategy that is tested.
        population: Genomes before setup.
        rank: The member that breeds.
        ancestry: Parents for breeding, independent of what the strategy selects.
        is_bred: Whether an offspring of the member mutates; else the member's own genome does.
        seed: Seed of all random streams.
        generation: Number of the round.
        progress: Fraction of the run that is done, or None.
        observer: Called after each turn of the strategy.
        evolution: An `Evolution` of the strategy alone.
    """

    strategy: AbstractStrategy
    population: Population
    rank: int
    ancestry: Ancestry
    is_bred: bool
    seed: int
    generation: int
    progress: float | None
    observer: Observer | None = attrs.field(default=None, eq=False)
    evolution: Evolution = attrs.field(init=False, eq=False)

    @evolution.default
    def _seat(self) -> Evolution:
        return Evolution([self.strategy], observer=self.observer)

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hooks that the strategy implements."""
        return implemented_hooks(type(self.strategy))

    def shares(self, hook: str) -> bool:
        """Whether the strategy may draw from the shared stream in a hook."""
        taken = inspect.signature(getattr(self.strategy, hook)).parameters.values()
        return any(p.name.startswith("shared_") or p.kind is p.VAR_KEYWORD for p in taken)

    def as_rank(self, rank: int) -> Case:
        """Return the same situation for another member, which is its own parent."""
        if rank == self.rank:
            return self
        return attrs.evolve(self, rank=rank, ancestry=Ancestry.sole(rank, self.population))

    # The following take a shared stream, so that a law can look at its state afterwards.

    def setup(self, shared: Random | None = None) -> Genome:
        """Run `handle_setup` on the member's genome."""
        return self._set_up(self.rank, shared)

    def ready(self) -> Population:
        """Return the population set up by the strategy."""
        return Population([self._set_up(rank) for rank in range(len(self.population))])

    def select(self, shared: Random | None = None) -> Ancestry | None:
        """Run `select_ancestry`; None if the strategy leaves the choice to the next one."""
        ready = self.ready()
        try:
            return self.evolution.select(ready[self.rank], ready, **self._round(shared))
        except StrategyError as error:
            if error.hook == "select_ancestry" and not error.strategy:  # it returned None
                return None
            raise

    def crossbreed(self, shared: Random | None = None) -> Genome:
        """Run `handle_crossbreeding` on every gene, with the ancestry of the case."""
        ready = self.ready()
        return self.evolution.crossbreed(
            ready[self.rank], ready, ancestry=self.ancestry, **self._round(shared)
        )

    def mutate(self, shared: Random | None = None) -> Genome:
        """Run `handle_mutating` on every gene of the member's offspring, or of its own genome."""
        ready, given = self.ready(), self._round(shared)
        me = ready[self.rank]
        genome = me.offspring(self.ancestry, given["rng"]) if self.is_bred else me
        return self.evolution.mutate(genome, my_genome=me, population_genomes=ready, **given)

    def rng(self) -> Random:
        """Return this member's own stream, from its beginning."""
        return member_rng(self.seed, self.generation, self.rank)

    def run(self, hook: str, shared: Random | None = None) -> Genome | Ancestry | None:
        """Run a hook by its name."""
        runs: Mapping[str, Callable[[Random | None], Genome | Ancestry | None]] = {
            "handle_setup": self.setup,
            "select_ancestry": self.select,
            "handle_crossbreeding": self.crossbreed,
            "handle_mutating": self.mutate,
        }
        return runs[hook](shared)

    def bred(self, *hooks: str) -> Iterator[tuple[str, Genome]]:
        """Run those of the hooks that the strategy implements; yield each genome that they return.

        A hook that raises yields nothing here: another law reports it.
        """
        for hook in self.hooks:
            if hook in hooks:
                with contextlib.suppress(Exception):
                    yield hook, cast("Genome", self.run(hook))

    def answers(self, hook: str) -> bool:
        """Whether the strategy answers a hook at least once, with another result than None."""
        turns: list[Any] = []
        with contextlib.suppress(Exception):  # another law reports it
            attrs.evolve(self, observer=turns.append).run(hook)
        return any(turn.hook == hook and turn.after is not None for turn in turns)

    def outcomes(self) -> dict[str, str]:
        """Return the result of every hook, as text that can be compared across processes."""
        return {hook: outcome(partial(self.run, hook)) for hook in self.hooks}

    def is_steady(self) -> bool:
        """Whether every hook gives the same result in a second run."""
        return self.outcomes() == self.outcomes()

    def _set_up(self, rank: int, shared: Random | None = None) -> Genome:
        return self.evolution.setup(
            self.population[rank],
            member_rng(self.seed, -1, rank),
            shared_rng=shared or shared_rng(self.seed, -1),
            rank=rank,
            population_size=len(self.population),
        )

    def _round(self, shared: Random | None) -> dict[str, Any]:
        return {
            "rng": self.rng(),
            "shared_rng": shared or shared_rng(self.seed, self.generation),
            "generation": self.generation,
            "progress": self.progress,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments: the other process creates its own `Evolution`."""
        arguments = [field.name for field in attrs.fields(Case) if field.init]
        return (Case, tuple(getattr(self, name) for name in arguments))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002
        """Let hypothesis print the `repr` of a case, not the code that builds it."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        head = f"strategy {self.strategy!r}, rank {self.rank}, seed {self.seed}, "
        head += f"generation {self.generation}, progress {self.progress}, "
        head += f"mutating {'an offspring' if self.is_bred else 'the genome itself'}"
        return "\n".join(["<Case", head, *map(repr, (self.ancestry, *self.population))]) + ">"


def outcome(run: Callable[[], Genome | Ancestry | None]) -> str:
    """Return the result of a run, as text that can be compared across processes."""
    try:
        result = run()
        return to_json(result) if isinstance(result, Genome) else repr(result and [*result])
    except Exception as error:  # noqa: BLE001  (an error is also an outcome)
        return f"ended with {type(error).__name__}: {error}"


@st.composite
def cases(
    draw: st.DrawFn,
    strategies: st.SearchStrategy[AbstractStrategy],
    genes: Genes | None = None,
    max_size: int = 5,
) -> Case:
    """Cases of strategies, in populations of one member or more."""
    bare = draw(populations(genes=genes, max_size=max_size, min_genes=1, max_genes=2))
    population = Population([_with_foreign(genome) for genome in bare])
    return Case(
        strategy=draw(strategies),
        population=population,
        rank=draw(st.integers(0, len(population) - 1)),
        ancestry=draw(ancestries(population)),
        is_bred=draw(st.booleans()),
        seed=draw(st.integers(0, 999)),
        generation=draw(st.integers(0, 9)),
        progress=draw(st.none() | st.floats(0.0, 1.0)),
    )


def _with_foreign(genome: Genome) -> Genome:
    marked = genome.update(lambda allele, _: allele.with_metadata(FOREIGN))
    return marked.set_fitness(genome.fitness)
