"""Operators for a bank of rows: they replace or nudge one row, which keeps the norm 1.

The seed draws the row that changes, and the row that is copied. With n rows these are seed mod n
and (seed div n) mod n, so that a strategy can choose both.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from clantune_neuro.errors import OperatorError
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.lineage.registry import operator
from clantune_neuro.replay.integers import unit_rows
from clantune_neuro.replay.state import State
from clantune_neuro.replay.steps import Noise, step


def bank_argument(blueprint: Blueprint) -> Iterable[int]:
    """Allow the argument 0, for networks with a bank of rows.

    Raises:
        OperatorError: The network has none.
    """
    if len(blueprint.bank) == 2:
        return (0,)
    raise OperatorError(
        "the operators of rows need a bank of rows; pass bank=(FEATURES, LOGITS) to Blueprint.of, "
        "the names of two parameters with one row for each row of the bank",
        name="fresh",
    )


def drawn_rows(seed: int, rows: int) -> tuple[int, int]:
    """Return the row that changes and the row that is copied."""
    return seed % rows, seed // rows % rows


def seed_of_rows(row: int, copied: int, rows: int, drawn: int) -> int:
    """Return a seed for which `drawn_rows` returns the two rows given.

    Args:
        row: The row that changes.
        copied: The row that is copied.
        rows: Number of rows, at most 2^32.
        drawn: A random number of 64 bits, which the rest of the seed comes from.
    """
    return (drawn % (2**64 // rows**2) * rows + copied) * rows + row


def num_rows(blueprint: Blueprint) -> int:
    """Return the number of rows of a network's bank."""
    return blueprint.tensors[blueprint.index_of(blueprint.bank[0])].rows


@operator("fresh", additive=False, arguments=bank_argument)
def fresh(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Replace a row by a fresh one of norm 1, with fresh logits."""
    features, logits = _places(blueprint)
    row, _ = drawn_rows(gene.seed, blueprint.tensors[features].rows)
    _put_unit(state, features, row, _fresh(state, features, gene))
    _put(state, logits, row, _fresh(state, logits, gene))


@operator("label", additive=False, arguments=bank_argument)
def label(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Draw fresh logits for a row."""
    features, logits = _places(blueprint)
    row, _ = drawn_rows(gene.seed, blueprint.tensors[features].rows)
    _put(state, logits, row, _fresh(state, logits, gene))


@operator("nudge", additive=False, arguments=bank_argument)
def nudge(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Add noise to the features of a row, and scale it back to norm 1."""
    features, _ = _places(blueprint)
    row, _ = drawn_rows(gene.seed, blueprint.tensors[features].rows)
    _put_unit(state, features, row, _nudged(state, features, row, gene))


@operator("duplicate", additive=False, arguments=bank_argument)
def duplicate(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Copy the features of one row, nudged, into another row, with fresh logits."""
    features, logits = _places(blueprint)
    row, copied = drawn_rows(gene.seed, blueprint.tensors[features].rows)
    _put_unit(state, features, row, _nudged(state, features, copied, gene))
    _put(state, logits, row, _fresh(state, logits, gene))


@operator("remove", additive=False, arguments=bank_argument)
def remove(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Set a row and its logits to 0: it answers where the products of all others are negative."""
    features, logits = _places(blueprint)
    row, _ = drawn_rows(gene.seed, blueprint.tensors[features].rows)
    for index in (features, logits):
        _put(state, index, row, torch.zeros_like(state.rows(index)[row]))


def _places(blueprint: Blueprint) -> tuple[int, int]:
    features, logits = blueprint.bank
    return blueprint.index_of(features), blueprint.index_of(logits)


def _fresh(state: State, index: int, gene: Gene) -> torch.Tensor:
    """Return a row of normal noise of variance 1, as int64."""
    columns = state.blueprint.tensors[index].columns
    return step(state, index, Noise("normal", gene.seed, 0, scale=0), columns)[0].to(torch.int64)


def _nudged(state: State, index: int, row: int, gene: Gene) -> torch.Tensor:
    columns = state.blueprint.tensors[index].columns
    found, _ = step(state, index, Noise("normal", gene.seed, gene.strength), columns)
    return state.rows(index)[row] + found


def _put_unit(state: State, index: int, row: int, values: torch.Tensor) -> None:
    """Replace a row by values, scaled to norm 1."""
    rows = values.unsqueeze(0)
    unit = state.blueprint.tensors[index].unit
    _put(state, index, row, unit_rows(rows, state.norms(index, rows), unit)[0])


def _put(state: State, index: int, row: int, values: torch.Tensor) -> None:
    state.put(index, values, start=row * state.blueprint.tensors[index].columns)
