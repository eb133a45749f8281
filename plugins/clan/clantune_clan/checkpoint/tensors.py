"""Files of tensors, in the format of safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from clantune_clan.disk import flush, naming, require_intact


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> str:
    """Write tensors that share no memory, and flush the file; return its checksum.

    Raises:
        CheckpointError: The file cannot be written.
    """
    with naming(path):
        save_file(dict(tensors), path, None if metadata is None else dict(metadata))
        return flush(path)


def read_tensors(path: Path, checksum: str) -> dict[str, Tensor]:
    """Return the tensors of a file, in memory of their own on the CPU.

    Raises:
        CheckpointError: The file is missing, or its checksum has changed since it was written.
        SafetensorError: The file does not contain tensors.
    """
    with ThreadPoolExecutor(1) as thread:
        intact = thread.submit(require_intact, path, checksum)
        try:
            # Clones, because a tensor that is a part of the mapped file would need it for ever.
            return {name: tensor.clone() for name, tensor in load_file(path).items()}
        finally:
            intact.result()  # a damaged file is called damaged, also if it cannot be loaded


def once(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
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


def snapshot(tensors: Mapping[str, Tensor], last: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return copies in main memory. Those of tensors on a GPU are pinned, for fast copying.

    Args:
        tensors: Tensors to copy, by name.
        last: Copies that are not needed any more, whose memory is used again: the system takes
            longer to provide new memory than a copy takes.
    """
    copies: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        copy = last.get(name)
        if copy is None or (copy.dtype, copy.shape) != (tensor.dtype, tensor.shape):
            copy = torch.empty_like(tensor, device="cpu", pin_memory=tensor.is_cuda)
        copies[name] = copy.copy_(tensor, non_blocking=tensor.is_cuda)
    for device in {tensor.device for tensor in tensors.values() if tensor.is_cuda}:
        torch.cuda.synchronize(device)
    return copies
