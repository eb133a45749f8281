"""The module inside its wrappers."""

from __future__ import annotations

from torch import nn
from torch.nn.parallel import DistributedDataParallel


def bare_module(model: nn.Module) -> nn.Module:
    """Return the module that DistributedDataParallel or torch.compile wrap, or the model itself."""
    while True:
        if isinstance(model, DistributedDataParallel):
            model = model.module
        elif isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
            model = inner
        else:
            return model
