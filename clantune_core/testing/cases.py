"""A case: a strategy, a population, and a seed. What every law is tried on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, cast

import attrs
from hypothesis import strategies as st

from clantune_core._seating import implemented_hooks
from clantune_core.ancestry import Ancestry
from clantune_core.evolution import Evolution
from clantune_core.genome import Genome
from clantune_core.population import Population
from clantune_core.rng import member_rng, shared_rng
from clantune_core.serialize import to_json
from clantune_core.strategies import AbstractStrategy
from clantune_core.testing.generators import ancestries, populations

FOREIGN = {"a note of somebody else": 7}
"""Metadata that belongs to another strategy, in every gene of every case."""


FAILED = "ended with "
"""How the outcome of a hook that raised begins."""


@attrs.frozen(repr=False)
class Case:
    """One strategy in one situation. Each hook can be run, again and again, from the same seed.

    Attributes:
        strategy: The strategy on trial.
        population: Genomes before anybody set them up.
        rank: Whose turn it is.
        ancestry: Parents for crossbreeding, whatever the strategy itself would select.
        seed: Of all random streams.
        generation: Number of the round.
        progress: Fraction of the run that is done, or None.
        evolution: The strategy, seated.
    """

    strategy: AbstractStrategy
    population: Population
    rank: int
    ancestry: Ancestry
    seed: int
    generation: int
    progress: float | None
    evolution: Evolution = attrs.field(init=False, eq=False)

    @evolution.default
    def _seat(self) -> Evolution:
        return Evolution([self.strategy])

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hooks that the strategy implements."""
        return implemented_hooks(type(self.strategy))

    def setup(self) -> Genome:
        """Run `handle_setup` on my genome."""
        return self._set_up(self.rank)

    def ready(self) -> Population:
        """Return the population set up by the strategy."""
        return Population([self._set_up(rank) for rank in range(len(self.population))])

    def select(self) -> Ancestry:
        """Run `select_ancestry`."""
        ready = self.ready()
        return self.evolution.select(ready[self.rank], ready, **self._streams())

    def crossbreed(self) -> Genome:
        """Run `handle_crossbreeding` on every gene, with the ancestry of the case."""
        ready = self.ready()
        return self.evolution.crossbreed(
            ready[self.rank], ready, ancestry=self.ancestry, **self._streams()
        )

    def mutate(self) -> Genome:
        """Run `handle_mutating` on every gene of my genome."""
        ready = self.ready()
        return self.evolution.mutate(
            ready[self.rank],
            my_genome=ready[self.rank],
            population_genomes=ready,
            **self._streams(),
        )

    def rng(self) -> Random:
        """Return this member's own stream, from its beginning."""
        return member_rng(self.seed, self.generation, self.rank)

    def run(self, hook: str) -> Genome | Ancestry:
        """Run a hook by its name."""
        runs: Mapping[str, Callable[[], Genome | Ancestry]] = {
            "handle_setup": self.setup,
            "select_ancestry": self.select,
            "handle_crossbreeding": self.crossbreed,
            "handle_mutating": self.mutate,
        }
        return runs[hook]()

    def bred(self, *hooks: str) -> Iterator[tuple[str, Genome]]:
        """Run those of the hooks that the strategy implements; yield each genome that comes out.

        A hook that raises yields nothing here: one law is about that, and reports it.
        """
        for hook in self.hooks:
            if hook in hooks:
                with contextlib.suppress(Exception):
                    yield hook, cast("Genome", self.run(hook))

    def outcomes(self) -> dict[str, str]:
        """Return what every hook gives, as text that can be compared across processes."""
        return {hook: self._outcome(hook) for hook in self.hooks}

    def is_steady(self) -> bool:
        """Whether every hook gives the same when it is run again."""
        return self.outcomes() == self.outcomes()

    def _outcome(self, hook: str) -> str:
        try:
            result = self.run(hook)
            return to_json(result) if isinstance(result, Genome) else repr([*result])
        except Exception as error:  # noqa: BLE001  (an error is an outcome too)
            return f"{FAILED}{type(error).__name__}: {error}"

    def _set_up(self, rank: int) -> Genome:
        return self.evolution.setup(
            self.population[rank],
            member_rng(self.seed, -1, rank),
            shared_rng=shared_rng(self.seed, -1),
            rank=rank,
            population_size=len(self.population),
        )

    def _streams(self) -> dict[str, Any]:
        return {
            "rng": self.rng(),
            "shared_rng": shared_rng(self.seed, self.generation),
            "generation": self.generation,
            "progress": self.progress,
        }

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002
        """Tell hypothesis to print a case as it is shown, not as the code that made it."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        head = f"strategy {self.strategy!r}, rank {self.rank}, seed {self.seed}, "
        head += f"generation {self.generation}, progress {self.progress}"
        return "\n".join(["<Case", head, *map(repr, (self.ancestry, *self.population))]) + ">"


@st.composite
def cases(
    draw: st.DrawFn, strategies: st.SearchStrategy[AbstractStrategy], max_size: int = 3
) -> Case:
    """Cases of strategies, in populations of one and more."""
    bare = draw(populations(max_size=max_size, min_genes=1, max_genes=2))
    population = Population([_with_foreign(genome) for genome in bare])
    return Case(
        strategy=draw(strategies),
        population=population,
        rank=draw(st.integers(0, len(population) - 1)),
        ancestry=draw(ancestries(population)),
        seed=draw(st.integers(0, 999)),
        generation=draw(st.integers(0, 9)),
        progress=draw(st.none() | st.floats(0.0, 1.0)),
    )


def _with_foreign(genome: Genome) -> Genome:
    genes = {name: allele.with_metadata(FOREIGN) for name, allele in genome.alleles.items()}
    return genome.with_alleles(genes).set_fitness(genome.fitness)
