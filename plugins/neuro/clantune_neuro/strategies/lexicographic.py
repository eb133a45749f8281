"""Lexicographic: order members by several scores, the later ones between equals alone."""

from __future__ import annotations

import math
from typing import Any

import attrs

from clantune_core import AbstractAllele, AbstractStrategy, Ancestry, Genome, Population
from clantune_neuro.evaluation.record import Record
from clantune_strategies.checks import strategy_error, strategy_field
from clantune_strategies.wrappers import SelectionWrapper, stores_genome_memory

CRITERIA = ("intrinsic", "age")
"""What may decide between members of equal fitness."""


def _to_tuple(names: Any) -> Any:
    return tuple(names) if isinstance(names, list) else names


def _check_criteria(_: object, __: object, names: Any) -> None:
    known = isinstance(names, tuple) and all(name in CRITERIA for name in names)
    if not known or len({*names}) < len(names):
        raise strategy_error(
            "Lexicographic",
            f"then must be a list of some of {', '.join(CRITERIA)}, each at most once; got "
            f"{names!r}",
        )


@attrs.define(eq=False, repr=False)
class _Last:
    """The population that was ordered last, and how it looks to the other strategy.

    All offspring of a generation breed from one population, so it is ordered once. A copy of a
    strategy, also one in another process, begins without it.
    """

    pair: tuple[Population, Population] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (_Last, ())


@attrs.frozen
class Lexicographic(SelectionWrapper):
    """Another strategy sees the positions of members, ordered by fitness and then by other scores.

    Members of equal fitness are ordered by their intrinsic score, higher first, and then by age,
    newest first. Where newer members go before older ones, changes without any effect on the score
    spread: neutral drift. The best position is 0, and members that are equal in everything share a
    position. A failed member stays failed. It reads the records that `Evolve` writes.

    Attributes:
        strategy: Selects by the positions.
        then: What decides between members of equal fitness, in this order: `"intrinsic"`, `"age"`.
    """

    strategy: AbstractStrategy = strategy_field()
    then: tuple[str, ...] = attrs.field(
        default=CRITERIA, converter=_to_tuple, validator=_check_criteria
    )
    _last: _Last = attrs.field(factory=_Last, init=False, eq=False, repr=False)

    def select_ancestry(
        self, my_genome: Genome, population_genomes: Population, **arguments: Any
    ) -> Ancestry | None:
        """Select by the positions."""
        return self.inner_select(**self._shown(my_genome, population_genomes), **arguments)

    def handle_mutating(self, **arguments: Any) -> AbstractAllele:
        """Forward to the other strategy, which may store the positions that it sees."""
        if stores_genome_memory(arguments):
            arguments |= self._shown(arguments["my_genome"], arguments["population_genomes"])
        return super().handle_mutating(**arguments)

    def positions(self, population_genomes: Population) -> list[float]:
        """Return the position of each member, from 0; infinity for a failed one."""
        keys = [*map(self._key, population_genomes, population_genomes.fitnesses())]
        found: dict[tuple[float, ...], float] = {}
        for position, key in enumerate(sorted(keys)):
            found.setdefault(key, position if key[0] < math.inf else math.inf)
        return [found[key] for key in keys]

    def _shown(self, my_genome: Genome, population_genomes: Population) -> dict[str, Any]:
        """Return the arguments of a hook that hold genomes, with positions as fitnesses."""
        last = self._last.pair
        if last is None or last[0] is not population_genomes:
            positions = self.positions(population_genomes)
            last = (population_genomes, population_genomes.with_fitnesses(positions))
            self._last.pair = last
        me = last[1][population_genomes.rank_of(my_genome)]
        return {"my_genome": me, "population_genomes": last[1]}

    def _key(self, genome: Genome, fitness: float) -> tuple[float, ...]:
        """Return a key by which better members come first."""
        if not self.then or fitness == math.inf:
            return (fitness,)
        record = Record.of(genome)
        scores = {"intrinsic": -record.intrinsic, "age": float(-record.born)}
        return (fitness, *(scores[name] for name in self.then))
