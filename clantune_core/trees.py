"""Walking and synthesizing N allele trees in lockstep: depth first, children first, in order.

Handlers see *flattened* nodes: an allele in metadata shows as its value, so that a handler never
learns about trees. Because children come first, the value that a node reads is already the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, TypeVar, overload

from clantune_core.context import Context
from clantune_core.errors import TreeError, shown

if TYPE_CHECKING:
    from clantune_core._allele import AbstractAllele

R = TypeVar("R")

CHILDREN: Callable[[AbstractAllele], Mapping[str, AbstractAllele]] = attrgetter("metadata.children")
"""The alleles in a node's metadata."""

Predicate = Callable[["AbstractAllele", Context], bool]
"""Whether a handler is called for a node. Its children are visited in any case."""

Walker = Callable[[Sequence["AbstractAllele"], Context], R]
"""Takes the nodes at one place of all trees."""

Synthesizer = Callable[["AbstractAllele", Sequence["AbstractAllele"], Context], "AbstractAllele"]
"""Takes the template's node and the nodes at the same place of all trees; returns the new node."""


def can_mutate(allele: AbstractAllele, context: Context) -> bool:  # noqa: ARG001
    """Predicate: nodes that mutation may change."""
    return allele.can_mutate


def can_crossbreed(allele: AbstractAllele, context: Context) -> bool:  # noqa: ARG001
    """Predicate: nodes that crossbreeding may change."""
    return allele.can_crossbreed


def is_hyperparameter(allele: AbstractAllele, context: Context) -> bool:  # noqa: ARG001
    """Predicate: genes themselves, not the alleles in their metadata."""
    return context.is_hyperparameter


class Forest:
    """N allele trees of one shape, side by side.

    What it finds out, it keeps: a population that many members breed from is compared and
    flattened once.

    Attributes:
        alleles: The roots of the trees.
        context: Where they lie: the gene, and the path below it.
        kind: Their common class.
        children: The forests of the alleles in metadata, by name, in the order of the first tree.
        nodes: The trees' top nodes, flattened.
    """

    __slots__ = ("alleles", "children", "context", "kind", "nodes")

    def __init__(
        self, alleles: Iterable[AbstractAllele], context: Context, *, compared: bool = False
    ) -> None:
        """Compare the trees.

        Args:
            alleles: Their roots.
            context: Where they lie.
            compared: Whether they are known to be single nodes of one kind.

        Raises:
            TreeError: They differ in a kind, or in the names of the alleles in metadata.
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
        """Raise a `TreeError` unless the template's top node is of the shape of these trees."""
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
    """Nodes that are flattened when somebody looks at them: most handlers look at two of many."""

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


def walk_trees(
    alleles: Sequence[AbstractAllele],
    handler: Walker[R],
    predicate: Predicate | None = None,
) -> list[R]:
    """Call the handler at every place of N trees of one shape; return what it returned, in order.

    Args:
        alleles: The roots of the trees.
        handler: Takes the flattened nodes at one place, in the order of `alleles`, and the context.
        predicate: Asked about the first tree's node; None means every node.

    Raises:
        TreeError: The trees differ in shape or kind.
    """
    if not alleles:
        raise TreeError("there is no tree to walk: give one allele or more")
    results: list[R] = []
    walk_forest(Forest(alleles, Context()), handler, predicate, results)
    return results


def walk_forest(
    forest: Forest, handler: Walker[R], predicate: Predicate | None, results: list[R]
) -> None:
    """Walk trees whose place in a genome is known, adding to `results`."""
    for below in forest.children.values():
        walk_forest(below, handler, predicate, results)
    nodes, context = forest.nodes, forest.context
    if predicate is None or predicate(nodes[0], context):
        try:
            results.append(handler(nodes, context))
        except Exception as error:
            error.add_note(f"at {context.place}")
            raise


def synthesize_trees(
    template: AbstractAllele,
    alleles: Sequence[AbstractAllele],
    handler: Synthesizer,
    predicate: Predicate | None = None,
) -> AbstractAllele:
    """Make one tree out of a template and N trees of its shape.

    Args:
        template: The tree to start from; what the predicate leaves out stays as it is here.
        alleles: The roots of the trees to draw on.
        handler: Takes the template's node, the nodes at the same place of all trees (all of them
            flattened) and the context; returns the new node. A flattened node stands for itself
            alone, and gets the children that were made for it; an allele that is not flattened
            replaces the whole tree below it.
        predicate: Asked about the template's node; None means every node.

    Raises:
        TreeError: The trees differ in shape or kind, or the handler returned no allele.
    """
    if not alleles:
        raise TreeError("there is no tree to draw on: give one allele or more")
    return synthesize_forest(template, Forest(alleles, Context()), handler, predicate)


def synthesize_forest(
    template: AbstractAllele,
    forest: Forest,
    handler: Synthesizer,
    predicate: Predicate | None,
) -> AbstractAllele:
    """Synthesize trees whose place in a genome is known."""
    before, context = template.metadata.children, forest.context
    if before or forest.children or type(template) is not forest.kind:
        forest.check(template)
    node = template
    if before:
        children = forest.children
        made = {
            name: synthesize_forest(child, children[name], handler, predicate)
            for name, child in before.items()
        }
        node = template.over(made, flat=True)
    if predicate is not None and not predicate(node, context):
        return template.over(made) if before else template
    try:
        result = handler(node, forest.nodes, context)
        if type(result) is not forest.kind:  # else it is an allele for certain
            _require_allele(result)
    except Exception as error:
        error.add_note(f"at {context.place}")
        raise
    if not before:
        return result.whole() if result.metadata.flat else result
    if not result.metadata.flat:
        return result
    return result.over({**result.metadata.children, **made})  # the handler may have added some


def _require_allele(result: object) -> None:
    from clantune_core._allele import AbstractAllele  # noqa: PLC0415  (it imports this module)

    if not isinstance(result, AbstractAllele):
        raise TreeError(
            f"the handler returned {shown(result)}, which is no allele; return the node that it "
            "was given, changed or not, e.g. allele.with_value(...)"
        )
