"""Walking and synthesizing N allele trees in lockstep: depth first, children first, in order.

Handlers receive *flattened* nodes: an allele in metadata is replaced by its value, so that a
handler need not know about trees. Children come first, so that value is already the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from clantune_core.context import Context
from clantune_core.errors import TreeError, shown
from clantune_core.forests import Forest, is_allele

if TYPE_CHECKING:
    from clantune_core.alleles.base import AbstractAllele

R = TypeVar("R")

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


def walk_trees(
    alleles: Sequence[AbstractAllele],
    handler: Walker[R],
    predicate: Predicate | None = None,
) -> list[R]:
    """Call the handler at every place of N trees of one shape; return its results in order.

    Args:
        alleles: The roots of the trees.
        handler: Takes the flattened nodes at one place, in the order of `alleles`, and the context.
        predicate: Called with the first tree's node; None means every node.

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
    """Return one tree that is computed from a template and N trees of its shape.

    Args:
        template: The tree to start from. The result keeps the nodes for which the predicate is
            False.
        alleles: The roots of the N trees.
        handler: Takes the template's node, the nodes at the same place of all trees (all of them
            flattened) and the context; returns the new node. A flattened node replaces this node
            only and gets the new children. An allele that is not flattened replaces the node and
            its children.
        predicate: Called with the template's node; None means every node.

    Raises:
        TreeError: The trees differ in shape or kind, or the handler did not return an allele.
    """
    if not alleles:
        raise TreeError("there is no tree to combine: give one allele or more")
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
        if type(result) is not forest.kind:  # an object of that class is an allele
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
    if not is_allele(result):
        raise TreeError(
            f"the handler returned {shown(result)}, which is not an allele; return the node that "
            "it received, changed or not, e.g. allele.with_value(...)"
        )
