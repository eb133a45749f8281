"""Errors that say that memory ran out."""

from __future__ import annotations

import torch


def out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, on the CPU or on a device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
