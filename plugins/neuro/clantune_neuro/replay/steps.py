"""Steps: noise of a shape, times a strength, in units of a tensor."""

from __future__ import annotations

import functools

import attrs
import torch

from clantune_neuro.errors import StrengthError
from clantune_neuro.lineage.gene import OCTAVE
from clantune_neuro.lineage.strengths import octaves, shift_at_1
from clantune_neuro.lineage.tensors import TensorSpec
from clantune_neuro.noise.shapes import table
from clantune_neuro.replay.integers import powers, scaled
from clantune_neuro.replay.state import State

SMALL = 4_096
"""Steps of fewer weights are scaled after the look-up, because a table has 65,536 entries."""


@attrs.frozen
class Noise:
    """Which noise a step consists of.

    Attributes:
        shape: Name of the shape.
        seed: Seed of the gene.
        strength: Strength number n of the step, which means 2^(n / 64).
        purpose: Name of the stream, if a gene draws several for one tensor.
        scale: The scale exponent, if it is not that of the tensor.
        unit: The unit exponent, if it is not that of the tensor.
    """

    shape: str
    seed: int
    strength: int
    purpose: str = ""
    scale: int | None = None
    unit: int | None = None


def step(state: State, index: int, noise: Noise, count: int) -> tuple[torch.Tensor, int]:
    """Return a step for `count` weights of a tensor, and a size that no integer of it exceeds.

    Raises:
        StrengthError: The tensor cannot represent a step of this strength.
    """
    spec = state.blueprint.tensors[index]
    shift = shift_of(spec, noise.strength, noise.scale, noise.unit)
    part = noise.strength % OCTAVE
    key = spec.key(noise.purpose)
    if count < SMALL:
        drawn = state.source.look_up(table(noise.shape), noise.seed, key, count)
        found = scaled(drawn, powers(OCTAVE)[part], shift).to(torch.int32)
    else:
        found = state.source.look_up(
            _scaled_table(noise.shape, part, shift), noise.seed, key, count
        )
    return found, _largest_step(noise.shape, part, shift)


def add_step(state: State, index: int, noise: Noise) -> None:
    """Add a step to every weight of a tensor."""
    found, largest = step(state, index, noise, state.blueprint.tensors[index].size)
    state.add(index, found, largest)


def shift_of(
    spec: TensorSpec, strength: int, scale: int | None = None, unit: int | None = None
) -> int:
    """Return the number of bits by which a table times a power of two is shifted right.

    Args:
        spec: The tensor.
        strength: The strength number.
        scale: The scale exponent, if it is not that of the tensor.
        unit: The unit exponent, if it is not that of the tensor.

    Raises:
        StrengthError: The strength is outside the range that the tensor can represent.
    """
    scale = spec.scale if scale is None else scale
    unit = spec.unit if unit is None else unit
    usable = octaves(unit, scale)
    low, high = 2.0**usable.start, 2.0**usable.stop
    if strength // OCTAVE in usable:
        return shift_at_1(unit, scale) - strength // OCTAVE
    raise StrengthError(
        f"the strength {2.0 ** (strength / OCTAVE):.6g} is not usable for {spec.name!r}, whose "
        f"scale is 2^{scale}: use a strength from {low:.6g} to below {high:.6g}",
        strength=2.0 ** (strength / OCTAVE),
        tensor=spec.name,
    )


@functools.lru_cache(maxsize=64)
def _scaled_table(shape: str, part: int, shift: int) -> torch.Tensor:
    return scaled(table(shape), powers(OCTAVE)[part], shift).to(torch.int32)


@functools.cache
def _largest_of(shape: str) -> int:
    return int(table(shape).abs().max())


def _largest_step(shape: str, part: int, shift: int) -> int:
    """Return the largest size of a step: tables are symmetric, and rounding adds at most 1."""
    return (_largest_of(shape) * powers(OCTAVE)[part] >> shift) + 1
