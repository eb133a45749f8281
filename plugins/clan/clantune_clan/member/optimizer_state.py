"""What the optimizers of a member keep for its parameters, by the names of these."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from clantune_clan.member.state import State
from clantune_clan.shards import entry_of, local, sharded_as
from clantune_clan.unwrapping import bare_module


def parameters_of(state: State) -> Iterator[tuple[str, Tensor, Optimizer]]:
    """Return the parameters of each optimizer, with their names in the model."""
    names = {id(p): name for name, p in bare_module(state.model).named_parameters()}
    for optimizer in state.optimizers.values():
        for group in optimizer.param_groups:
            yield from ((names[id(p)], p, optimizer) for p in group["params"])


def optimizer_state(state: State) -> dict[str, Any]:
    """Return the state of each parameter that has one, with the local parts of sharded tensors."""
    return {
        name: entry_of(optimizer, parameter)
        for name, parameter, optimizer in parameters_of(state)
        if parameter in optimizer.state
    }


def copied(state: State) -> dict[str, Any]:
    """Return a copy of `optimizer_state`."""
    return copy.deepcopy(optimizer_state(state))


def restore(state: State, kept: Mapping[str, Any]) -> None:
    """Set the state of all parameters to what `copied` returned; others get none."""
    for name, parameter, optimizer in parameters_of(state):
        if name in kept:
            live = entry_of(optimizer, parameter) if parameter in optimizer.state else None
            entry = _filled(live, kept[name], local(parameter))
            put(optimizer, parameter, sharded_as(parameter, entry))
        else:
            optimizer.state.pop(parameter, None)


def put(optimizer: Optimizer, parameter: Tensor, entry: Any) -> None:
    """Set the state of a parameter."""
    current = optimizer.state.get(parameter)
    if isinstance(current, dict) and isinstance(entry, dict):
        # Keep the dictionary itself and its order: other objects may refer to it, and a compiled
        # optimizer.step is compiled again for another order.
        for name in current.keys() - entry.keys():
            del current[name]
        current.update({k: v for k, v in entry.items() if not _is_same_shard(current.get(k), v)})
    else:
        optimizer.state[parameter] = entry


def _filled(live: Any, kept: Any, parameter: Tensor) -> Any:
    """Return a copy of an entry, in tensors of the live one where they fit.

    A step is compiled for the tensors that are there.
    """
    if isinstance(kept, dict):
        live = live if isinstance(live, dict) else {}
        return {name: _filled(live.get(name), each, parameter) for name, each in kept.items()}
    if not isinstance(kept, Tensor):
        return copy.deepcopy(kept)
    if isinstance(live, Tensor) and live.shape == kept.shape:
        return live.copy_(kept)
    # A checkpoint is read to the CPU. Small tensors, such as steps, may belong there.
    return kept.clone().to(parameter.device if kept.shape == parameter.shape else kept.device)


def _is_same_shard(one: Any, other: Any) -> bool:
    """Whether two sharded tensors have the same memory; another object is compiled for again."""
    if not (isinstance(one, DTensor) and isinstance(other, DTensor)):
        return False
    own, new = local(one), local(other)
    return own.data_ptr() == new.data_ptr() and own.shape == new.shape
