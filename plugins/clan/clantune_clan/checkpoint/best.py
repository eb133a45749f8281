"""The file with the best weights of a run, which PyTorch and Transformers can load."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from clantune_clan.checkpoint.disk import naming, replacing
from clantune_clan.checkpoint.tensors import once, write_tensors

NAME = "best.safetensors"


def write_best(folder: Path, module: nn.Module) -> None:
    """Write the weights of a module as `safetensors.torch.save_model` does, but atomically.

    A tied tensor has its first name, as in a model that Transformers ties again after loading.

    Raises:
        CheckpointError: The file cannot be written.
    """
    entries = {k: v for k, v in module.state_dict().items() if isinstance(v, Tensor)}
    stored, same_as = once(entries)
    path = folder / NAME
    with naming(path):
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as beside:
            write_tensors(beside, stored, {"format": "pt", **same_as})
