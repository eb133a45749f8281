"""The operator `norm`: an additive step, after which each row has its norm again."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import torch

from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import FIRST_OPERATOR, Gene
from clantune_neuro.lineage.registry import find_operator, operator
from clantune_neuro.replay.integers import divided
from clantune_neuro.replay.state import State


def additive_argument(blueprint: Blueprint) -> Iterable[int]:
    """Allow the numbers of additive operators that take the argument 0."""
    for number, entry in enumerate(blueprint.operators, FIRST_OPERATOR):
        if entry.name != "norm":
            known = find_operator(entry.name)
            if known.additive and 0 in known.arguments(blueprint):
                yield number


@operator("norm", additive=False, arguments=additive_argument)
def norm(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Apply an additive operator, whose number is the argument, and restore the norms of rows.

    The first gene of this operator remembers the norms, and later ones return to them, so that
    rounding does not add up. Tensors of less than two dimensions take the step alone, and so does
    a row whose norm was 0.
    """
    matrices = [index for index, spec in enumerate(blueprint.tensors) if spec.is_matrix]
    for index in matrices:
        if _name(index) not in state.extras:
            state.extras[_name(index)] = state.norms(index, state.rows(index))
    inner = attrs.evolve(gene, operator=gene.argument, argument=0)
    blueprint.operator(gene.argument).apply(state, inner, blueprint)
    for index in matrices:
        _restore(state, index, state.extras[_name(index)])


def _name(index: int) -> str:
    return f"norm/{index}"


def _restore(state: State, index: int, wanted: torch.Tensor) -> None:
    rows = state.rows(index)
    found = state.norms(index, rows)
    scaled = divided(rows * wanted.unsqueeze(1), found.clamp(min=1).unsqueeze(1))
    kept = torch.where((wanted > 0).unsqueeze(1), scaled, rows)
    state.put(index, kept.view(-1))
