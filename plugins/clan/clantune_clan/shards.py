"""Shards: the parts of parameters that `fully_shard` has left on this rank.

A sharded parameter is a `DTensor`. ClanTune reads and writes its local tensor, so no rank gathers
the parameters of its member.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer
from torch.utils._pytree import tree_map_only

from clantune_clan.errors import ClanError


def sharded_modules(model: nn.Module) -> list[FSDPModule]:
    """Return the modules that `fully_shard` has been applied to."""
    return [module for module in model.modules() if isinstance(module, FSDPModule)]


def reshard(modules: Iterable[FSDPModule]) -> None:
    """Let modules have their shards as parameters again.

    After a forward pass without a backward pass, a module has its gathered parameters. It would
    also use them in the next pass, and so ignore shards that have changed meanwhile.
    """
    for module in modules:
        module.reshard()


def local(tensor: Tensor) -> Tensor:
    """Return the part of a tensor on this rank, which shares its memory; a plain one is whole."""
    # Detached, because the part of a parameter would be a parameter too.
    if not isinstance(tensor, DTensor):
        return tensor
    detached: Any = tensor.detach()
    part: Tensor = detached.to_local()
    return part


def entry_of(optimizer: Optimizer, parameter: Tensor) -> Any:
    """Return an optimizer's state of a parameter, with the local parts of sharded tensors.

    Raises:
        ClanError: A tensor in it is sharded in another way than the parameter.
    """
    entry = optimizer.state[parameter]
    if not isinstance(parameter, DTensor):
        return entry

    def part(tensor: DTensor) -> Tensor:
        if (tensor.placements, tensor.shape) != (parameter.placements, parameter.shape):
            raise ClanError(
                f"{type(optimizer).__name__} keeps a tensor of shape {tuple(tensor.shape)} for a "
                f"sharded parameter of {tuple(parameter.shape)}, which no other rank can load: "
                "choose an optimizer whose tensors have the shape of the parameter, such as AdamW"
            )
        return local(tensor)

    return tree_map_only(DTensor, part, entry)


def sharded_as(parameter: Tensor, entry: Any) -> Any:
    """Return a state that `entry_of` returned, in which tensors like the shard are sharded."""
    if not isinstance(parameter, DTensor):
        return entry
    shape = local(parameter).shape

    def shard(tensor: Tensor) -> Tensor:
        return as_shard(parameter, tensor) if tensor.shape == shape else tensor

    return tree_map_only(Tensor, shard, entry)


def optimizer_state(optimizer: Optimizer) -> dict[str, Any]:
    """Return the state of an optimizer, with the local parts of sharded tensors."""
    state = optimizer.state_dict()
    parameters = _numbered(optimizer)
    entries = {
        number: entry_of(optimizer, parameters[number])
        for number in state["state"]
        if isinstance(parameters[number], DTensor)
    }
    return {**state, "state": {**state["state"], **entries}}


def load_optimizer(optimizer: Optimizer, state: Mapping[str, Any]) -> None:
    """Load a state that `optimizer_state` returned."""
    parameters = _numbered(optimizer)
    entries = {i: sharded_as(parameters[i], entry) for i, entry in state["state"].items()}
    optimizer.load_state_dict({**state, "state": entries})


def model_state(module: nn.Module) -> dict[str, Any]:
    """Return the state of a module, with the local parts of sharded tensors."""
    state: dict[str, Any] = module.state_dict()
    for name in [name for name, entry in state.items() if isinstance(entry, DTensor)]:
        state[name] = local(state[name])
    return state


def load_model(module: nn.Module, state: Mapping[str, Any]) -> None:
    """Load a state that `model_state` returned."""
    if sharded_modules(module):
        own = module.state_dict()
        state = {name: sharded_as(own[name], entry) for name, entry in state.items()}
    module.load_state_dict(state)


def as_shard(parameter: DTensor, tensor: Tensor) -> DTensor:
    """Return a sharded tensor like a parameter, whose part on this rank is `tensor`."""
    return DTensor.from_local(
        tensor,
        parameter.device_mesh,
        parameter.placements,
        run_check=False,
        shape=parameter.shape,
        stride=parameter.stride(),
    )


def _numbered(optimizer: Optimizer) -> list[Tensor]:
    """Return the parameters in the order in which torch numbers them in a state."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
