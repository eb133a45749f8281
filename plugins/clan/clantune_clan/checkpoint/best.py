"""The file with the best weights of a run, which PyTorch and Transformers can load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from clantune_clan.checkpoint.tensors import once, write_tensors
from clantune_clan.disk import naming, replacing

NAME = "best.safetensors"


def write_best(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the state of a module as `safetensors.torch.save_model` does, but atomically.

    A tied tensor has its first name, as in a model that Transformers ties again after loading.

    Raises:
        CheckpointError: The file cannot be written.
    """
    entries = {k: v for k, v in state.items() if isinstance(v, Tensor)}
    stored, same_as = once(entries)
    path = folder / NAME
    with naming(path):
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as beside:
            write_tensors(beside, stored, {"format": "pt", **same_as})
