"""The part of one rank in a checkpoint: its structure as JSON, its tensors as safetensors.

Reading it never unpickles an object or runs code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import attrs
from safetensors import SafetensorError
from torch import Tensor

from clantune_clan.checkpoint.tensors import once, read_tensors, snapshot, write_tensors
from clantune_clan.communication.buckets import Outline
from clantune_clan.disk import naming, read_bytes, write_bytes
from clantune_clan.errors import CheckpointError
from clantune_clan.inheritance.form import outlines_of, put_together, take_apart

ROOT = "rank"
"""Prefix of the names of all tensors."""


def names_of(rank: int) -> tuple[str, str]:
    """Return the names of a rank's files: structure and tensors."""
    return f"rank-{rank}.json", f"rank-{rank}.safetensors"


@attrs.frozen
class Part:
    """The state of one rank, in the form in which it is written.

    Attributes:
        structure: Structure, as JSON text.
        tensors: Tensors by name; a tied tensor is there once.
    """

    structure: bytes
    tensors: Mapping[str, Tensor] = attrs.field(repr=False)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Self:
        """Return the part for a state: nested dictionaries, lists and tuples of tensors and data.

        The tensors are those of the state, so write them before the next step, or take a snapshot.
        """
        tensors: dict[str, Tensor] = {}
        form = take_apart(dict(state), ROOT, tensors, in_order=True)
        stored, same_as = once(tensors)
        return cls(json.dumps({"form": form, "same_as": same_as}).encode(), stored)

    def snapshot(self, last: Part | None = None) -> Part:
        """Return a copy that no later step changes.

        Args:
            last: Snapshot that is not needed any more, whose memory is used again, or None.
        """
        return Part(self.structure, snapshot(self.tensors, {} if last is None else last.tensors))

    def write(self, folder: Path, rank: int) -> dict[str, str]:
        """Write the files of a rank into a folder; return the checksum of each by name.

        Raises:
            CheckpointError: A file cannot be written.
        """
        structure, tensors = names_of(rank)
        with naming(folder / structure):
            checksum = write_bytes(folder / structure, self.structure)
        return {structure: checksum, tensors: write_tensors(folder / tensors, self.tensors)}


def read_part(folder: Path, rank: int, checksums: Mapping[str, str]) -> dict[str, Any]:
    """Return the state of a rank, with its tensors on the CPU.

    Args:
        folder: Folder of the files.
        rank: Number of the rank.
        checksums: Checksums that `Part.write` returned.

    Raises:
        CheckpointError: A file is missing, or differs from the written one.
    """
    structure, tensors = names_of(rank)
    try:
        described = json.loads(read_bytes(folder / structure, checksums[structure]))
        form, same_as = described["form"], described["same_as"]
        stored = read_tensors(folder / tensors, checksums[tensors])
        for outline in outlines_of({ROOT: form}):
            _require_fitting(outline, stored[same_as.get(outline.name, outline.name)])
        state: dict[str, Any] = put_together(
            form, ROOT, lambda outline: stored[same_as.get(outline.name, outline.name)]
        )
    except (ValueError, LookupError, TypeError, AttributeError, SafetensorError) as error:
        raise CheckpointError(
            f"{folder / structure} is not the state of a rank: {type(error).__name__}: {error}"
        ) from error
    return state


def _require_fitting(outline: Outline, tensor: Tensor) -> None:
    if (tensor.dtype, tuple(tensor.shape)) != (outline.dtype, outline.shape):
        raise ValueError(f"{outline.name} is {tensor.dtype} of shape {tuple(tensor.shape)}")
