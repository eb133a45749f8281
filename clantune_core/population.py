"""A population: genomes in rank order, of one schema, comparable gene by gene."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, overload
from uuid import UUID

from clantune_core.errors import ClanTuneError
from clantune_core.forests import Forest, forests_of, require_same_genes
from clantune_core.genome import Genome, to_genomes
from clantune_core.tables import table


class Population(Sequence[Genome]):
    """An immutable sequence of genomes whose index is the rank.

    A method that takes a population accepts any sequence of genomes. Create a `Population` once if
    many offspring are bred from it: it compares the genomes once and keeps the results.

    Attributes:
        uuids: The members' identities, in rank order.
    """

    __slots__ = ("_fitnesses", "_forests", "_genomes", "_ranks", "uuids")

    def __init__(self, genomes: Sequence[Genome]) -> None:
        """Check that the genomes have the same genes.

        Raises:
            TreeError: The genes of two genomes differ.
            ClanTuneError: The sequence is empty, or an entry is not a genome.
        """
        self._genomes = to_genomes(genomes)
        self.uuids = tuple(genome.uuid for genome in self._genomes)
        self._fitnesses: tuple[float, ...] | None = None
        self._forests: dict[str, Forest] | None = None
        self._ranks: dict[UUID, int] | None = None
        genes = [*self._genomes[0].alleles]
        for rank, genome in enumerate(self._genomes):
            if [*genome.alleles] != genes:
                require_same_genes(genes, genome.alleles, "genome 0", f"genome {rank}")

    @classmethod
    def of(cls, genomes: Sequence[Genome]) -> Population:
        """Return the genomes as a population; a `Population` is returned unchanged."""
        return genomes if isinstance(genomes, Population) else cls(genomes)

    @property
    def forests(self) -> Mapping[str, Forest]:
        """All members' trees side by side, by gene.

        Raises:
            TreeError: The trees differ in a kind, or in the names of the alleles in metadata.
        """
        if self._forests is None:
            self._forests = forests_of(self._genomes)
        return self._forests

    def rank_of(self, genome: Genome) -> int:
        """Return the rank of a member.

        Raises:
            ClanTuneError: It is not a member, or two members have the same uuid.
        """
        if self._ranks is None:
            ranks = {uuid: rank for rank, uuid in enumerate(self.uuids)}
            if len(ranks) < len(self._genomes):
                self._refuse_twins()
            self._ranks = ranks
        if genome.uuid not in self._ranks:
            raise ClanTuneError(
                f"genome {genome.uuid} is not in the population that it should breed from; pass "
                "the genomes of all members in rank order, including this one (for the mutation "
                "of an offspring, pass the genome of the member that bred it as my_genome=)"
            )
        return self._ranks[genome.uuid]

    def fitnesses(self) -> tuple[float, ...]:
        """Return every member's fitness in rank order: lower is better.

        NaN and minus infinity count as infinity: a member with such a fitness has diverged.

        Raises:
            ClanTuneError: A member has no fitness.
        """
        if self._fitnesses is None:
            self._fitnesses = tuple(map(_comparable, range(len(self)), self._genomes))
        return self._fitnesses

    def with_fitnesses(self, fitnesses: Sequence[float]) -> Population:
        """Return the same members with other fitnesses.

        A strategy passes the result to another strategy. The compared trees are kept.

        Raises:
            ClanTuneError: The number of fitnesses is not the number of members.
        """
        if len(fitnesses) != len(self):
            raise ClanTuneError(f"{len(fitnesses)} fitnesses for {len(self)} members")
        made = object.__new__(Population)
        for name in Population.__slots__:
            setattr(made, name, getattr(self, name))
        genomes = zip(self._genomes, fitnesses, strict=True)
        for name, value in (
            ("_genomes", tuple(genome.set_fitness(fitness) for genome, fitness in genomes)),
            ("_fitnesses", None),
        ):
            setattr(made, name, value)
        return made

    def _refuse_twins(self) -> None:
        uuids = self.uuids
        twin = next(rank for rank, uuid in enumerate(uuids) if uuid in uuids[:rank])
        raise ClanTuneError(
            f"ranks {uuids.index(uuids[twin])} and {twin} have the same uuid {uuids[twin]}; give "
            "each member its own: genome.with_uuid()"
        )

    def __len__(self) -> int:
        return len(self._genomes)

    @overload
    def __getitem__(self, index: int) -> Genome: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Genome]: ...
    def __getitem__(self, index: int | slice) -> Genome | Sequence[Genome]:
        return self._genomes[index]

    def __reduce__(self) -> tuple[Any, ...]:
        return (Population, (self._genomes,))  # the results can be computed again

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Population) and self._genomes == other._genomes

    def __hash__(self) -> int:
        return hash(self._genomes)

    def __repr__(self) -> str:
        genes = ", ".join(self._genomes[0].alleles)
        rows = [
            (str(rank), str(genome.uuid)[:8], "-" if fitness is None else f"{fitness:.6g}")
            for rank, genome in enumerate(self)
            for fitness in [genome.fitness]
        ]
        head = f"Population of {len(self)}: {genes or 'no genes'}"
        return f"<{head}\n{table(('rank', 'genome', 'fitness'), rows)}>"


def _comparable(rank: int, genome: Genome) -> float:
    if genome.fitness is None:
        raise ClanTuneError(
            f"rank {rank} has no fitness: call genome.set_fitness(loss) on every member before "
            "selecting"
        )
    return genome.fitness if math.isfinite(genome.fitness) else math.inf
