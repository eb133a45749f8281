"""The state of a rank as bytes, for a rank that stores the states of all."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from clantune_clan.communication import Communication


def gather_on_first(communicator: Communication, where: str, message: Tensor) -> list[Tensor]:
    """Return the bytes of all ranks on rank 0, in rank order, and none on other ranks."""
    sizes = communicator.gather(where, message.numel())
    if communicator.world_size == 1:
        return [message]
    return communicator.transfer.collect(message, sizes, where)


def pack(state: Mapping[str, Any]) -> Tensor:
    """Return a state of tensors and plain data as a tensor of bytes in main memory."""
    file = io.BytesIO()
    torch.save(dict(state), file)
    return torch.frombuffer(bytearray(file.getbuffer()), dtype=torch.uint8)


def unpack(data: Tensor) -> dict[str, Any]:
    """Return the state that `pack` made bytes of, with its tensors in main memory."""
    # Without numpy, which torch does not require.
    file = io.BytesIO(ctypes.string_at(data.data_ptr(), data.nbytes))
    state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return state
