"""The module inside its wrappers, and its tensors."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from clantune_clan.shards import local, reshard, sharded_modules


def bare_module(model: nn.Module) -> nn.Module:
    """Return the module that DistributedDataParallel or torch.compile wraps, or the model."""
    while True:
        if isinstance(model, DistributedDataParallel):
            model = model.module
        elif isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
            model = inner
        else:
            return model


def copy_of(model: nn.Module, instead: Mapping[int, Tensor] = MappingProxyType({})) -> nn.Module:
    """Return a copy of the bare module, which shares process groups with it.

    Args:
        model: Model, bare or wrapped.
        instead: Tensors that the copy has instead of others, by the identity of the others.
    """
    module = bare_module(model)
    groups = [getattr(child, "process_group", None) for child in module.modules()]
    return copy.deepcopy(module, {**instead, **{id(group): group for group in groups if group}})


def named_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers of the bare module by name, as shards if it is sharded.

    Tied tensors appear once. Non-persistent buffers are included.
    """
    module = bare_module(model)
    reshard(sharded_modules(module))
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: local(tensor) for name, tensor in tensors.items()}
