"""The module inside its wrappers, and its tensors."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


def bare_module(model: nn.Module) -> nn.Module:
    """Return the module that DistributedDataParallel or torch.compile wraps, or the model."""
    while True:
        if isinstance(model, DistributedDataParallel):
            model = model.module
        elif isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
            model = inner
        else:
            return model


def named_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers of the bare module by name.

    Tied tensors appear once. Non-persistent buffers are included.
    """
    module = bare_module(model)
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}
