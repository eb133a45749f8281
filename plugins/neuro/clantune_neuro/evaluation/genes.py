"""From the last gene of a lineage to how the child differs from its parent."""

from __future__ import annotations

from itertools import takewhile

import torch
from torch import Tensor

from clantune_neuro.errors import EvaluationError
from clantune_neuro.evaluation.changes import Change, Child, Outer, Row, Whole
from clantune_neuro.lineage.gene import OCTAVE, Gene
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.lineage.tensors import TensorSpec
from clantune_neuro.noise.shapes import SHAPES
from clantune_neuro.operators.low_rank import FACTOR_BITS, factors, largest_of
from clantune_neuro.replay.nursery import Nursery
from clantune_neuro.replay.state import State
from clantune_neuro.replay.steps import Noise, step


def child_of(nursery: Nursery, parent: str, child: str) -> Child:
    """Return how a child differs from its parent.

    Outer products are not multiplied out. Their sum with the parent's weights is that of the
    replayed child up to half a unit. All other changes have the bits of the replayed child, and so
    has a child whose weights may come near the end of their range.

    Args:
        nursery: Replays the parent, and a child whose gene is not an outer product or is large.
        parent: The parent's lineage.
        child: The parent's lineage with one more gene, or the parent's lineage itself.

    Raises:
        EvaluationError: The child's lineage is not the parent's with one more gene.
        NeuroError: As for `Nursery.weights`.
    """
    lineage = Lineage(child)
    if child == parent:
        return {}
    if not child.startswith(parent) or lineage.num_genes != Lineage(parent).num_genes + 1:
        raise EvaluationError(
            "a child's lineage is its parent's with one more gene: the parent has "
            f"{Lineage(parent).num_genes} genes, the child has {lineage.num_genes}, and they agree "
            f"in the first {_common(Lineage(parent), lineage)}"
        )
    gene = lineage.gene(lineage.num_genes - 1)
    nursery.blueprint.check(lineage)
    state = nursery.state(parent)
    found = None
    if nursery.blueprint.operator(gene.operator).name == "rank-1":
        found = _of_outer_products(state, gene)
    return difference(state, nursery.state(child)) if found is None else found


def difference(parent: State, child: State) -> Child:
    """Return how the weights of one network differ from those of another."""
    found: dict[str, Change] = {}
    for spec, before, after in zip(
        parent.blueprint.tensors, parent.tensors, child.tensors, strict=True
    ):
        changed = (before != after).view(spec.rows, spec.columns).any(1).nonzero().flatten()
        if len(changed) == 1 and spec.is_matrix:
            index = int(changed)
            found[spec.name] = Row(index, _floats(spec, after[index]))
        elif len(changed):
            found[spec.name] = Whole(_floats(spec, after))
    return found


def _of_outer_products(parent: State, gene: Gene) -> Child | None:
    """Return the changes of a gene, or None where a weight might leave its range."""
    found: dict[str, Change] = {}
    for index, spec in enumerate(parent.blueprint.tensors):
        if spec.is_matrix:
            outer, columns = factors(parent, index, gene)
            largest = largest_of(spec, gene, outer, columns)
            size = 2.0 ** (gene.strength / OCTAVE + spec.scale - 2 * FACTOR_BITS)
            found[spec.name] = Outer(outer.float() * size, columns.float())
        else:
            noise = Noise(SHAPES[gene.argument], gene.seed, gene.strength)
            added, largest = step(parent, index, noise, spec.size)
            found[spec.name] = Whole(_floats(spec, parent.tensors[index] + added.view(spec.shape)))
        if not parent.has_room(index, largest):
            return None
    return found


def _floats(spec: TensorSpec, units: Tensor) -> Tensor:
    """Return weights as `Nursery.weights` does."""
    return units.to(torch.float32) * 2.0**-spec.unit


def _common(one: Lineage, two: Lineage) -> int:
    """Return the number of genes at the start that two lineages have in common."""
    pairs = zip(one.genes(), two.genes(), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
