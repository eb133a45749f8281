"""The part of one rank in a checkpoint: its structure as JSON, its tensors as safetensors.

Reading it never unpickles an object or runs code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from clantune_clan.checkpoint.disk import read_bytes, write_bytes
from clantune_clan.communication.buckets import Outline
from clantune_clan.errors import CheckpointError
from clantune_clan.inheritance.form import outlines_of, put_together, take_apart

ROOT = "rank"
"""Prefix of the names of all tensors."""


def names_of(rank: int) -> tuple[str, str]:
    """Return the names of a rank's files: structure and tensors."""
    return f"rank-{rank}.json", f"rank-{rank}.safetensors"


def write_part(folder: Path, rank: int, state: Mapping[str, Any]) -> dict[str, str]:
    """Write the state of a rank; return the checksum of each file by name.

    Args:
        folder: Folder for the files.
        rank: Number of the rank.
        state: Nested dictionaries, lists and tuples of tensors and plain data.
    """
    tensors: dict[str, Tensor] = {}
    form = take_apart(dict(state), ROOT, tensors, in_order=True)
    stored, same_as = _once(tensors)
    structure = json.dumps({"form": form, "same_as": same_as}).encode()
    contents = zip(names_of(rank), (structure, save(stored)), strict=True)
    return {name: write_bytes(folder / name, content) for name, content in contents}


def read_part(folder: Path, rank: int, checksums: Mapping[str, str]) -> dict[str, Any]:
    """Return the state of a rank, with its tensors on the CPU.

    Args:
        folder: Folder of the files.
        rank: Number of the rank.
        checksums: Checksums that `write_part` returned.

    Raises:
        CheckpointError: A file is missing, or differs from the written one.
    """
    structure, packed = (read_bytes(folder / name, checksums[name]) for name in names_of(rank))
    where = folder / names_of(rank)[0]
    try:
        described = json.loads(structure)
        form, same_as, stored = described["form"], described["same_as"], load(packed)
        for outline in outlines_of({ROOT: form}):
            _require_fitting(outline, stored[same_as.get(outline.name, outline.name)])
        state: dict[str, Any] = put_together(
            form, ROOT, lambda outline: stored[same_as.get(outline.name, outline.name)]
        )
    except (ValueError, LookupError, TypeError, AttributeError, SafetensorError) as error:
        raise CheckpointError(
            f"{where} is not the state of a rank: {type(error).__name__}: {error}"
        ) from error
    return state


def _once(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors to store, and the stored name of each tied tensor."""
    stored: dict[str, Tensor] = {}
    same_as: dict[str, str] = {}
    first: dict[tuple[Any, ...], str] = {}
    for name, tensor in tensors.items():
        place = (tensor.device, tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
        if tensor.numel() and (known := first.setdefault(place, name)) != name:
            same_as[name] = known
        else:
            stored[name] = tensor.contiguous()
    return stored, same_as


def _require_fitting(outline: Outline, tensor: Tensor) -> None:
    if (tensor.dtype, tuple(tensor.shape)) != (outline.dtype, outline.shape):
        raise ValueError(f"{outline.name} is {tensor.dtype} of shape {tuple(tensor.shape)}")
