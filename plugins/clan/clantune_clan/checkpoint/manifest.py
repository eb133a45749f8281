"""The manifest of a checkpoint, which is written last and lists its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import torch

from clantune_clan.errors import CheckpointError
from clantune_clan.versions import versions

NAME = "manifest.json"
FORMAT = 1
KIND = "checkpoint"


@attrs.frozen(kw_only=True)
class Manifest:
    """The description of a checkpoint, and the checksums of its files.

    Attributes:
        world_size: Number of ranks.
        num_members: Number of members.
        round: Number of complete rounds.
        step: Number of steps that were done.
        files: Checksum of each file, by name.
        threads: Number of threads that torch used, on which the last bits of sums depend.
        versions: Versions of the packages that wrote it.
    """

    world_size: int
    num_members: int
    round: int
    step: int
    files: Mapping[str, str]
    threads: int = attrs.field(factory=torch.get_num_threads)
    versions: Mapping[str, str] = attrs.field(factory=versions)

    def to_json(self) -> bytes:
        """Return the manifest as JSON text."""
        data = {"clantune": KIND, "version": FORMAT, **attrs.asdict(self)}
        return (json.dumps(data, indent=1) + "\n").encode()

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Return the manifest of a checkpoint.

        Raises:
            CheckpointError: The manifest is missing or damaged, or has another version.
        """
        path = folder / NAME
        try:
            data = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{path} cannot be read: {error}") from error
        if not isinstance(data, dict) or data.pop("clantune", None) != KIND:
            raise CheckpointError(f"{path} is not the manifest of a checkpoint")
        if (found := data.pop("version", None)) != FORMAT:
            raise CheckpointError(
                f"{path} has version {found!r}, and this clantune-clan reads version {FORMAT}"
            )
        return _checked(data, path)


def _checked(data: dict[str, Any], path: Path) -> Manifest:
    kinds = {"world_size": int, "num_members": int, "round": int, "step": int, "threads": int}
    texts = ("files", "versions")
    is_sound = data.keys() == {*kinds, *texts} and all(
        type(data[name]) is kind and data[name] >= 0 for name, kind in kinds.items()
    )
    for name in texts if is_sound else ():
        entries = data[name]
        is_sound = is_sound and isinstance(entries, dict)
        is_sound = is_sound and all(isinstance(entry, str) for entry in entries.values())
    if not is_sound:
        raise CheckpointError(f"{path} is damaged: its entries are not those of a manifest")
    return Manifest(**data)
