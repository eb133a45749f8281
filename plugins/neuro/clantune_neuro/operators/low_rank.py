"""The operator `rank-1`: an outer product for each matrix."""

from __future__ import annotations

import torch

from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import OCTAVE, Gene
from clantune_neuro.lineage.registry import operator, shape_argument
from clantune_neuro.lineage.strengths import LARGEST_SHIFT
from clantune_neuro.lineage.tensors import TensorSpec
from clantune_neuro.noise.shapes import SHAPES, TABLE_BITS, table
from clantune_neuro.replay.integers import powers, scaled
from clantune_neuro.replay.state import State
from clantune_neuro.replay.steps import Noise, add_step, shift_of

FACTOR_BITS = 14
"""Factors count in units of 2^-14, so that a product with a power of two has less than 2^56."""


@operator("rank-1", additive=True, arguments=shape_argument)
def rank_one(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Add the outer product of two vectors of noise to each matrix, plain noise to other tensors.

    A tensor of more than two dimensions counts as a matrix with its first dimension as rows.
    """
    for index, spec in enumerate(blueprint.tensors):
        if not spec.is_matrix:
            add_step(state, index, Noise(SHAPES[gene.argument], gene.seed, gene.strength))
            continue
        outer, columns = factors(state, index, gene)
        left = outer * powers(OCTAVE)[gene.strength % OCTAVE]
        shift = _shift_of(spec, gene)
        largest = largest_of(spec, gene, outer, columns)
        state.add(index, scaled_product(left, columns, shift), largest)


def largest_of(spec: TensorSpec, gene: Gene, outer: torch.Tensor, columns: torch.Tensor) -> int:
    """Return a size that no weight of the outer product of two vectors exceeds, in units.

    Raises:
        StrengthError: The tensor cannot represent a step of the gene's strength.
    """
    left = int(outer.abs().max()) * powers(OCTAVE)[gene.strength % OCTAVE]
    return (left * int(columns.abs().max()) >> _shift_of(spec, gene)) + 1


def factors(state: State, index: int, gene: Gene) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the two vectors of a gene for a matrix, one entry per row and one per column.

    They are integers of type int64 in units of 2^-14. Batched evaluation uses them without the
    product, which is why this function is public.
    """
    spec = state.blueprint.tensors[index]
    shape = table(SHAPES[gene.argument])
    drawn = state.source.look_up(shape, gene.seed, spec.key(), spec.rows + spec.columns)
    rounded = scaled(drawn, 1, TABLE_BITS - FACTOR_BITS)
    return rounded[: spec.rows], rounded[spec.rows :]


def scaled_product(left: torch.Tensor, right: torch.Tensor, shift: int) -> torch.Tensor:
    """Return the outer product of two vectors, divided by 2^shift and rounded, flat, as int32."""
    product = torch.outer(left, right).add_(1 << (shift - 1)).bitwise_right_shift_(shift)
    return product.view(-1).to(torch.int32)


def _shift_of(spec: TensorSpec, gene: Gene) -> int:
    """Return the shift of a product. It has less than 2^56, so a larger shift gives 0 anyway."""
    shift = shift_of(spec, gene.strength) + 2 * FACTOR_BITS - TABLE_BITS
    return min(shift, LARGEST_SHIFT)
