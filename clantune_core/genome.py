"""The genome: named alleles, a fitness and parents; walking and synthesizing genomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from random import Random
from typing import Any, Self, TypeVar
from uuid import UUID, uuid4, uuid5

import attrs

from clantune_core.alleles import ContinuousAllele
from clantune_core.alleles.base import AbstractAllele
from clantune_core.ancestry import Ancestry
from clantune_core.context import Context
from clantune_core.data.frozen import FrozenDict
from clantune_core.data.plain import PlainDict
from clantune_core.data.registry import REGISTRY
from clantune_core.errors import AlleleError, ClanTuneError, shown
from clantune_core.forests import Forest, forests_of, require_same_genes
from clantune_core.genome_fields import (
    same_nan,
    to_alleles,
    to_fitness,
    to_parents,
    to_plain,
    to_uuid,
)
from clantune_core.tables import table
from clantune_core.trees import (
    Predicate,
    Synthesizer,
    Walker,
    synthesize_forest,
    walk_forest,
)

R = TypeVar("R")


# No slots: a copy for an offspring is then a copy of one dictionary (see `_replace`).
@attrs.frozen(slots=False, repr=False)
class Genome:
    """Genes by name, with a fitness and parents. Every change returns a new genome.

    By convention a gene's name is the path that it patches, such as `"optimizer/0/lr"`; the core
    does not depend on this. A change of fitness or metadata keeps the identity. A change of genes
    removes the fitness, which was that of the old genes. An offspring has its own identity.

    Attributes:
        alleles: Read-only mapping of gene names to alleles, in order.
        uuid: Identity; random if not given.
        parents: The ancestry it was bred with; None for a genome that was not bred.
        fitness: Result of its evaluation, lower is better; None before the evaluation.
        metadata: Read-only plain data about the genome, which strategies do not breed.
    """

    alleles: Mapping[str, AbstractAllele] = attrs.field(
        factory=FrozenDict, converter=to_alleles, hash=False
    )
    uuid: UUID = attrs.field(factory=uuid4, converter=to_uuid, kw_only=True)
    parents: Ancestry | None = attrs.field(
        default=None, converter=to_parents, kw_only=True, hash=False
    )
    fitness: float | None = attrs.field(
        default=None, converter=to_fitness, kw_only=True, eq=same_nan, hash=False
    )
    metadata: Mapping[str, Any] = attrs.field(
        factory=PlainDict, converter=to_plain, kw_only=True, hash=False
    )

    def add_hyperparameter(self, name: str, allele: AbstractAllele) -> Self:
        """Return this genome with one more gene at the end.

        Raises:
            AlleleError: There is already a gene of that name, or this is not an allele.
        """
        if name in self.alleles:
            raise AlleleError(f"there is already a gene {name!r}: {shown(self.alleles[name])}")
        return self.with_alleles({**self.alleles, name: allele})

    def as_hyperparameters(self) -> dict[str, Any]:
        """Return the values of the genes by name."""
        return {name: allele.value for name, allele in self.alleles.items()}

    @property
    def active_genes(self) -> tuple[str, ...]:
        """The names of the genes that may mutate, in order."""
        return tuple([name for name, allele in self.alleles.items() if allele.can_mutate])

    def with_hyperparameters(self, values: Mapping[str, Any] = PlainDict(), /, **more: Any) -> Self:
        """Return this genome with other values of some genes, by name, and without a fitness.

        Raises:
            AlleleError: There is no such gene, or it cannot hold the value.
        """
        made = dict(self.alleles)
        for name, value in {**values, **more}.items():
            if name not in made:
                raise AlleleError(f"there is no gene {name!r}; the genes are {[*made]}")
            try:
                made[name] = made[name].with_value(value)
            except AlleleError as error:
                error.add_note(f"at gene {name!r}")
                raise
        return self.with_alleles(made)

    def set_fitness(self, fitness: float | None) -> Self:
        """Return this genome with the result of its evaluation. Lower is better."""
        return self._replace(fitness=to_fitness(fitness))

    def get_fitness(self) -> float | None:
        """Return the result of its evaluation, or None before the evaluation."""
        return self.fitness

    def with_metadata(self, entries: Mapping[str, Any] = PlainDict(), /, **more: Any) -> Self:
        """Return this genome with entries added to its metadata, or replaced in it."""
        return attrs.evolve(self, metadata={**self.metadata, **entries, **more})

    def with_uuid(self, uuid: UUID | None = None) -> Self:
        """Return this genome with another identity, random if not given."""
        return attrs.evolve(self, uuid=uuid4() if uuid is None else uuid)

    def offspring(self, parents: Ancestry, rng: Random) -> Self:
        """Return an offspring with these genes: a new identity, the given parents, no fitness."""
        # Derived from `rng`, so that it is reproducible, and from this genome's identity, so that a
        # stream which is used again does not repeat that identity.
        uuid = uuid5(self.uuid, f"{rng.getrandbits(128):x}")
        return self._replace(uuid=uuid, parents=parents, fitness=None)

    def walk(
        self,
        handler: Callable[[AbstractAllele, Context], R],
        predicate: Predicate | None = None,
    ) -> list[R]:
        """Call the handler on every node of every gene, children first; return its results."""
        return walk_genomes([self], lambda nodes, context: handler(nodes[0], context), predicate)

    def update(
        self,
        handler: Callable[[AbstractAllele, Context], AbstractAllele],
        predicate: Predicate | None = None,
    ) -> Genome:
        """Return this genome with every node replaced by the handler's result, children first."""
        return self.synthesize([self], lambda node, _, at: handler(node, at), predicate)

    def synthesize(
        self,
        genomes: Sequence[Genome],
        handler: Synthesizer,
        predicate: Predicate | None = None,
    ) -> Genome:
        """Return this genome with nodes that the handler computes from those of all genomes."""
        return synthesize_genomes(self, genomes, handler, predicate)

    def serialize(self) -> dict[str, Any]:
        """Return this genome as plain JSON data, with a format version."""
        return REGISTRY.serialize(self)

    @classmethod
    def deserialize(cls, data: object) -> Genome:
        """Return the genome in plain data, or in JSON text.

        Raises:
            DataError: The data is damaged, foreign, or needs a plugin. The error says where.
        """
        genome: Genome = REGISTRY.deserialize(data, Genome)
        return genome

    def with_alleles(self, alleles: Mapping[str, AbstractAllele]) -> Self:
        """Return this genome with other genes, and without a fitness."""
        return self._replace(alleles=to_alleles(alleles), fitness=None)

    def _replace(self, **changes: Any) -> Self:
        """Return a copy with some fields set to values that are known to be valid."""
        made = object.__new__(type(self))
        object.__setattr__(made, "__dict__", {**self.__dict__, **changes})
        return made

    def __repr__(self) -> str:
        fitness = "no fitness" if self.fitness is None else f"fitness {self.fitness:.6g}"
        parents = "" if self.parents is None else f", {_count(self.parents.contributors, 'parent')}"
        head = f"Genome {str(self.uuid)[:8]}: {_count(self.alleles, 'gene')}, {fitness}{parents}"
        if not self.alleles:
            return f"<{head}>"
        rows = self.walk(_row)
        return f"<{head}\n{table(('gene', 'kind', 'value', 'domain', 'may'), rows)}>"


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _row(allele: AbstractAllele, context: Context) -> tuple[str, ...]:
    name = "/".join(n if n.isprintable() else repr(n) for n in (context.gene, *context.path))
    value = f"{allele.value:.6g}" if isinstance(allele.value, float) else repr(allele.value)
    domain = ", ".join(map(str, allele.domain)) if type(allele.domain) is tuple else allele.domain
    if isinstance(allele, ContinuousAllele) and domain == allele.widest:
        domain = "any"
    may = ("mutate" * allele.can_mutate, "crossbreed" * allele.can_crossbreed)
    return (name, allele.kind, value, str(domain), ", ".join(filter(None, may)) or "-")


def walk_genomes(
    genomes: Sequence[Genome],
    handler: Walker[R],
    predicate: Predicate | None = None,
) -> list[R]:
    """Call the handler at every place of N genomes of one schema; return its results in order.

    Args:
        genomes: One genome or more.
        handler: Takes the flattened nodes at one place of all genomes, and the context.
        predicate: Called with the first genome's node; None means every node.

    Raises:
        TreeError: The genomes differ in genes, kinds, or alleles in metadata.
    """
    results: list[R] = []
    for forest in _forests(genomes).values():
        walk_forest(forest, handler, predicate, results)
    return results


def synthesize_genomes(
    template_genome: Genome,
    genomes: Sequence[Genome],
    handler: Synthesizer,
    predicate: Predicate | None = None,
) -> Genome:
    """Return a genome that is computed from a template and N genomes of its schema.

    Args:
        template_genome: The result keeps its identity, parents and metadata, and the nodes for
            which the predicate is False.
        genomes: One genome or more.
        handler: Takes the template's node, the nodes at the same place of all genomes (all of them
            flattened) and the context; returns the new node.
        predicate: Called with the template's node; None means every node.

    Raises:
        TreeError: The genomes differ in genes, kinds, or alleles in metadata.
    """
    alleles, forests = template_genome.alleles, _forests(genomes)
    if alleles.keys() != forests.keys():
        require_same_genes(alleles, forests, "the template", "genome 0")
    made = {
        gene: synthesize_forest(allele, forests[gene], handler, predicate)
        for gene, allele in alleles.items()
    }
    return template_genome if made == alleles else template_genome.with_alleles(FrozenDict(made))


def to_genomes(given: Iterable[Genome]) -> tuple[Genome, ...]:
    """Return genomes as a tuple.

    Raises:
        ClanTuneError: The list is empty, or an entry is not a genome.
    """
    if isinstance(given, Genome) or not isinstance(given, Iterable):
        raise ClanTuneError(f"genomes must be in a list, one or more; got {shown(given)}")
    genomes = tuple(given)
    if not genomes:
        raise ClanTuneError("genomes must be in a list, one or more; got none")
    for rank, genome in enumerate(genomes):
        if not isinstance(genome, Genome):
            raise ClanTuneError(f"entry {rank} of the population is not a genome: {shown(genome)}")
    return genomes


def _forests(genomes: Sequence[Genome]) -> Mapping[str, Forest]:
    known: Mapping[str, Forest] | None = getattr(genomes, "forests", None)  # if a `Population`
    return forests_of(to_genomes(genomes)) if known is None else known
