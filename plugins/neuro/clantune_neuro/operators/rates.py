"""The operator `rate`: a learned rate for each weight, which takes its own steps."""

from __future__ import annotations

import torch

from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.lineage.registry import no_argument, operator
from clantune_neuro.lineage.strengths import LARGEST_SHIFT, SMALLEST_SHIFT, shift_at_1
from clantune_neuro.noise.shapes import table
from clantune_neuro.replay.integers import powers
from clantune_neuro.replay.state import State
from clantune_neuro.replay.steps import Noise, shift_of, step

LATENT_BITS = 24
"""A latent counts octaves in units of 2^-24."""

MOST_OCTAVES = 16
"""Rates lie between 2^-16 and 2^16; a latent beyond this is clipped."""

_PARTS = 256


@operator("rate", additive=False, arguments=no_argument, step=-277)
def rate(state: State, gene: Gene, blueprint: Blueprint) -> None:
    """Move the latent of each weight, then add noise times the weight's rate, 2^latent.

    The latents begin at 0 with the first gene of this operator, and other operators leave them
    alone. The parameter `step` is the strength number of their steps, in octaves: -277 is 0.05.
    """
    size = blueprint.entry(gene.operator).parameter("step")
    for index in range(len(blueprint.tensors)):
        found = _rated(state, index, gene, _moved(state, index, gene.seed, size))
        state.add(index, found, int(found.abs().max()))


def learned_rates(state: State, index: int) -> torch.Tensor | None:
    """Return the rate of each weight of a tensor, flat; None if no gene has learned any."""
    latents = state.extras.get(f"rate/{index}")
    return None if latents is None else torch.exp2(latents.to(torch.float64) * 2.0**-LATENT_BITS)


def _moved(state: State, index: int, seed: int, size: int) -> torch.Tensor:
    """Move the latents of a tensor, and return them, flat, as int64."""
    spec, name = state.blueprint.tensors[index], f"rate/{index}"
    noise = Noise("normal", seed, size, purpose="rate", scale=0, unit=LATENT_BITS)
    moved, _ = step(state, index, noise, spec.size)
    before = state.extras.get(name)
    latents = moved if before is None else before + moved
    limit = MOST_OCTAVES << LATENT_BITS
    state.extras[name] = latents.clamp(-limit, limit)
    return state.extras[name].to(torch.int64)


def _rated(state: State, index: int, gene: Gene, latents: torch.Tensor) -> torch.Tensor:
    """Return a step of a tensor in which each weight has its own rate, flat, as int64."""
    spec = state.blueprint.tensors[index]
    shift_of(spec, gene.strength)  # refuses a strength that is not usable at the rate 1
    drawn = state.source.look_up(table("normal"), gene.seed, spec.key(), spec.size)
    octaves = latents + (gene.strength << (LATENT_BITS - 6))
    parts = (octaves >> (LATENT_BITS - 8)) & (_PARTS - 1)
    factors = torch.tensor(powers(_PARTS), device=latents.device)[parts]
    most = shift_at_1(spec.unit, spec.scale)
    shifts = (most - (octaves >> LATENT_BITS)).clamp(SMALLEST_SHIFT, LARGEST_SHIFT)
    half = torch.ones_like(shifts) << (shifts - 1)
    return (drawn * factors + half) >> shifts
