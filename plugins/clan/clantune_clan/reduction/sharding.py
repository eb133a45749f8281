"""A check of a sharded model: each parameter is sharded over the ranks of its member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.fsdp import CPUOffloadPolicy, FSDPModule, FullyShardedDataParallel
from torch.distributed.tensor import DTensor

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError, GradientError
from clantune_clan.reduction.owners import require_free
from clantune_clan.shards import sharded_modules

ADVICE = "as in fully_shard(model, mesh=clan.member_mesh())"


def require_shards(module: nn.Module, communicator: Communication) -> None:
    """Raise an error if a sharded model cannot be trained in a clan.

    Args:
        module: Model that `fully_shard` has been applied to.
        communicator: Channel to the other ranks.

    Raises:
        ClanError: A parameter is not sharded, or over other ranks than those of this member.
        GradientError: Other code averages the gradients too.
    """
    require_free(module.parameters())
    managed = {id(p) for each in sharded_modules(module) for p in parameters_of(each)}
    size, first = communicator.ranks_per_member, communicator.member_index
    own = [*range(first * size, (first + 1) * size)]
    for name, parameter in module.named_parameters():
        if id(parameter) not in managed:
            if parameter.requires_grad:
                raise ClanError(
                    f"the parameter {name!r} is not sharded by fully_shard, and other parameters "
                    f"are: apply it to the whole model after its layers, {ADVICE}"
                )
        elif isinstance(parameter, DTensor):
            _require_own_mesh(name, parameter, own)
    for each in sharded_modules(module):
        _require_usual_groups(_groups(each))


def refuse_old_shards(model: nn.Module) -> None:
    """Raise an error if a model is wrapped in `FullyShardedDataParallel`."""
    if any(isinstance(module, FullyShardedDataParallel) for module in model.modules()):
        raise ClanError(
            "the model is wrapped in FullyShardedDataParallel (FSDP1), whose flat parameters a "
            f"clan cannot inherit: use fully_shard of torch.distributed.fsdp instead, {ADVICE}"
        )


def parameters_of(module: FSDPModule) -> Iterator[Tensor]:
    """Yield the sharded parameters that a module gathers itself, without those of its layers."""
    for group in _groups(module):
        for each in group.fsdp_params:
            place = each._module_info  # noqa: SLF001  (the parameter itself may be outdated)
            yield getattr(place.module, place.param_name)


def _groups(module: FSDPModule) -> list[Any]:
    groups: list[Any] = module._get_fsdp_state()._fsdp_param_groups  # noqa: SLF001
    return groups


def _require_usual_groups(groups: list[Any]) -> None:
    if any(group._all_reduce_hook is not None for group in groups):  # noqa: SLF001
        raise GradientError(
            "the sharded model has an all-reduce hook already, and torch allows one: leave "
            "set_all_reduce_hook out"
        )
    if any(isinstance(group.offload_policy, CPUOffloadPolicy) for group in groups):
        raise ClanError(
            "the model is sharded with offload_policy=CPUOffloadPolicy(), and a clan needs "
            "parameters and gradients on one device: leave offload_policy out"
        )
    if len(groups) > 1:
        raise GradientError(
            "a module is sharded over several meshes by shard_placement_fn, and the clan "
            f"cannot average its gradients: shard all parameters over one mesh, {ADVICE}"
        )


def _require_own_mesh(name: str, parameter: DTensor, own: list[int]) -> None:
    mesh = parameter.device_mesh
    ranks = mesh.mesh.flatten().tolist()
    if mesh.ndim > 1:
        raise ClanError(
            f"the parameter {name!r} is on a mesh of {mesh.ndim} dimensions, {ranks}; the clan "
            f"averages over its members itself: shard over one dimension, {ADVICE}"
        )
    if dist.get_world_size() > 1 and ranks != own:
        raise ClanError(
            f"the parameter {name!r} is sharded over the ranks {ranks}, and this member has the "
            f"ranks {own}: shard over these, {ADVICE}"
        )
