"""The first weights of a lineage: drawn from a seed."""

from __future__ import annotations

import torch

from clantune_neuro.errors import BirthError
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.tensors import TensorSpec
from clantune_neuro.noise.sources import Source
from clantune_neuro.replay.integers import unit_rows
from clantune_neuro.replay.state import State
from clantune_neuro.replay.steps import Noise, add_step


def born(blueprint: Blueprint, seed: int, source: Source, device: torch.device) -> State:
    """Return the weights of a birth from a seed.

    Raises:
        BirthError: The blueprint describes weights that are given.
    """
    zeros = [_first(spec, device) for spec in blueprint.tensors]
    state = State(blueprint, source, zeros)
    for index, spec in enumerate(blueprint.tensors):
        if spec.birth.kind == "given":
            raise BirthError(
                f"the weights of {spec.name!r} are given, so no seed can draw them; begin with "
                "the lineage that GivenBirths.add returns",
                name="",
            )
        if spec.birth.kind in ("normal", "unit"):
            add_step(state, index, Noise("normal", seed, spec.birth.number, scale=0))
        if spec.birth.kind == "unit":
            rows = state.rows(index)
            state.put(index, unit_rows(rows, state.norms(index, rows), spec.unit).view(-1))
    return state


def _first(spec: TensorSpec, device: torch.device) -> torch.Tensor:
    value = spec.birth.number if spec.birth.kind == "constant" else 0
    return torch.full(spec.shape, value, dtype=torch.int32, device=device)
