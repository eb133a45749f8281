"""The mutation of the notes for a bank of rows: noise that is added to one row and never scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clantune_neuro.lineage.gene import Gene
from clantune_neuro.lineage.registry import operator
from clantune_neuro.operators.rows import bank_argument, drawn_rows
from clantune_neuro.replay.steps import Noise, step

if TYPE_CHECKING:
    from clantune_neuro.lineage.blueprint import Blueprint
    from clantune_neuro.replay.state import State

NAME = "add-to-row"
"""Name of the operator. It is known where this module is imported."""


@operator(NAME, additive=True, arguments=bank_argument)
def add_to_row(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Add normal noise to the features and the logits of one row: the seed modulo their number."""
    for name in blueprint.bank:
        index = blueprint.index_of(name)
        spec = blueprint.tensors[index]
        row, _ = drawn_rows(gene.seed, spec.rows)
        noise = Noise("normal", gene.seed, gene.strength)
        found, largest = step(state, index, noise, spec.columns)
        state.add(index, found, largest, start=row * spec.columns)
