"""Trees of one shape side by side: compared once, and flattened on access."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, TypeGuard, overload

from clantune_core.context import Context
from clantune_core.errors import TreeError

if TYPE_CHECKING:
    from clantune_core.alleles import AbstractAllele
    from clantune_core.genome import Genome


class Node:
    """A node of a tree. Only `AbstractAllele` derives from it."""

    __slots__ = ()


def is_allele(thing: object) -> TypeGuard[AbstractAllele]:
    """Whether this is an allele."""
    return isinstance(thing, Node)


CHILDREN: Callable[[AbstractAllele], Mapping[str, AbstractAllele]] = attrgetter("metadata.children")
"""The alleles in a node's metadata."""


class Forest:
    """N allele trees of one shape, side by side.

    It keeps its results, so that a population from which many members breed is compared and
    flattened only once.

    Attributes:
        alleles: The roots of the trees.
        context: Their place: the gene, and the path below it.
        kind: Their common class.
        children: The forests of the alleles in metadata, by name, in the order of the first tree.
        nodes: The roots, flattened.
    """

    __slots__ = ("alleles", "children", "context", "kind", "nodes")

    def __init__(
        self, alleles: Iterable[AbstractAllele], context: Context, *, compared: bool = False
    ) -> None:
        """Compare the trees.

        Args:
            alleles: The roots of the trees.
            context: Their place.
            compared: Whether the trees are known to be single nodes of one kind.

        Raises:
            TreeError: The trees differ in a kind, or in the names of the alleles in metadata.
        """
        self.alleles = tuple(alleles)
        self.context = context
        self.kind = type(self.alleles[0])
        self.children: Mapping[str, Forest] = {} if compared else self._compare()
        self.nodes: Sequence[AbstractAllele] = (
            _Flattened(self.alleles) if self.children else self.alleles
        )

    def _compare(self) -> dict[str, Forest]:
        if len(set(map(type, self.alleles))) > 1:
            self._refuse([_kind_in_words(allele) for allele in self.alleles])
        every = [*map(CHILDREN, self.alleles)]
        if not any(every):
            return {}
        names = every[0].keys()
        if any(children.keys() != names for children in every):
            self._refuse([_names_in_words(children) for children in every])
        return {
            name: Forest(map(itemgetter(name), every), self.context.below(name)) for name in names
        }

    def check(self, template: AbstractAllele) -> None:
        """Raise a `TreeError` unless the template's root has the shape of these roots."""
        names = template.metadata.children
        if type(template) is not self.kind:
            sides = [_kind_in_words(template), _kind_in_words(self.alleles[0])]
            self._refuse(sides, template=True)
        if (names or self.children) and names.keys() != self.children.keys():
            sides = [_names_in_words(names), _names_in_words(self.children)]
            self._refuse(sides, template=True)

    def _refuse(self, sides: Sequence[str], *, template: bool = False) -> None:
        other = next(i for i, side in enumerate(sides) if side != sides[0])
        what = "genome" if self.context.gene else "tree"
        first, second = ("the template", 0) if template else (f"{what} 0", other)
        raise TreeError(
            f"{self.context.place}: the {what}s differ: {first} {sides[0]}, {what} {second} "
            f"{sides[other]}; give every genome the same genes of the same kinds, and set all of "
            "them up with the same strategies"
        )


def _kind_in_words(allele: AbstractAllele) -> str:
    return f"holds {type(allele).__name__}"


def _names_in_words(children: Mapping[str, object]) -> str:
    listed = ", ".join(map(repr, sorted(children)))
    return f"has the alleles {listed} in metadata" if listed else "has no alleles in metadata"


class _Flattened(Sequence["AbstractAllele"]):
    """Nodes that are flattened on access, because most handlers read only a few of them."""

    __slots__ = ("_made", "_trees")

    def __init__(self, trees: tuple[AbstractAllele, ...]) -> None:
        self._trees = trees
        self._made: dict[int, AbstractAllele] = {}

    def __len__(self) -> int:
        return len(self._trees)

    def __repr__(self) -> str:
        return repr([*self])

    @overload
    def __getitem__(self, index: int) -> AbstractAllele: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[AbstractAllele]: ...
    def __getitem__(self, index: int | slice) -> AbstractAllele | Sequence[AbstractAllele]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        node = self._made.get(index)
        if node is None:
            tree = self._trees[index]
            node = self._made[index] = tree.over(tree.metadata.children, flat=True)
        return node


def forests_of(genomes: Sequence[Genome]) -> dict[str, Forest]:
    """Return the trees of all genomes side by side, by gene.

    Raises:
        TreeError: The genomes differ in genes, a kind, or the names of the alleles in metadata.
    """
    genes, rows, single = [*genomes[0].alleles], [], True
    kinds = [*map(type, genomes[0].alleles.values())]
    # Genome by genome, as they lie in memory, which is faster for a thousand members. Most genes
    # have no alleles in metadata, and then this loop does the whole comparison.
    for rank, genome in enumerate(genomes):
        alleles = genome.alleles
        in_order = [*alleles] == genes
        if not in_order:
            require_same_genes(genes, alleles, "genome 0", f"genome {rank}")
        row = (*alleles.values(),) if in_order else tuple(alleles[gene] for gene in genes)
        single = single and [*map(type, row)] == kinds and not any(map(CHILDREN, row))
        rows.append(row)
    return {
        gene: Forest(column, Context(gene=gene, population_size=len(rows)), compared=single)
        for gene, column in zip(genes, zip(*rows, strict=True), strict=True)
    }


def require_same_genes(first: Collection[str], second: Collection[str], *names: str) -> None:
    """Raise a `TreeError` that names the two genomes if their genes differ."""
    only = [
        f"only {name} has {', '.join(map(repr, sorted(others)))}"
        for name, others in zip(names, ({*first} - {*second}, {*second} - {*first}), strict=True)
        if others
    ]
    if only:
        raise TreeError(
            f"{names[0]} and {names[1]} have different genes: {', '.join(only)}; give every "
            "genome the same genes"
        )
