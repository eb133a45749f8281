"""Whole tensors of a sharded model, which the ranks of a member gather one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, Replicate, distribute_tensor

from clantune_clan.errors import ClanError
from clantune_clan.shards import as_shard, local, reshard, sharded_modules
from clantune_clan.unwrapping import bare_module, named_tensors


def require_copyable(model: nn.Module) -> None:
    """Raise an error if torch cannot copy a model since it is sharded."""
    if sharded_modules(model):
        raise ClanError(
            "the model is sharded by fully_shard, and torch cannot copy it: build a module like "
            "it that is not sharded, and fill it by clan.best(into=module)"
        )


def fill_whole(into: nn.Module, model: nn.Module, tensors: Mapping[str, Tensor] | None) -> None:
    """Fill a module with whole tensors. All ranks of a sharded member call this together.

    Args:
        into: Module that is built like the model, and is not sharded.
        model: Model that the tensors belong to.
        tensors: Parameters and buffers of this rank by name; None: those of the model.

    Raises:
        ClanError: The module has other tensors than the model.
    """
    module, live = bare_module(model), named_tensors(into)
    if sharded_modules(into):
        raise ClanError("clan.best(into=...) fills a module that is not sharded, and this one is")
    tensors = named_tensors(module) if tensors is None else tensors
    forms = {name: tensor.shape for name, tensor in _originals(module)}
    for name in {**forms, **live}:
        here = None if name not in live else live[name].shape
        if forms.get(name) != here:
            raise ClanError(
                f"clan.best(into=...) fills a module that is built like the model, and this one "
                f"differs in {name!r}: {_described(here)} instead of {_described(forms.get(name))}"
            )
    sharded = [each for _, each in _originals(module) if isinstance(each, DTensor)]
    with torch.no_grad():
        for name, original in _originals(module):
            whole = _whole(original, tensors[name])
            if sharded and whole is tensors[name]:  # a buffer, which may differ between the ranks
                whole = _of_first_rank(whole, sharded[0])
            live[name].copy_(whole)


def whole_state(model: nn.Module, tensors: Mapping[str, Tensor], *, keep: bool) -> dict[str, Any]:
    """Return the state of a sharded model with other tensors. Its ranks call this together.

    Args:
        model: Model, sharded.
        tensors: Parameters and buffers of this rank, instead of those of the model, by name.
        keep: Whether this rank keeps the whole tensors.
    """
    module = bare_module(model)
    names = {id(tensor): name for name, tensor in _originals(module)}
    whole: dict[str, Tensor] = {}
    for name, original in _originals(module):
        gathered = _whole(original, tensors[name])
        if keep:
            whole[name] = gathered.cpu()  # the whole model may not fit on one device
    state = module.state_dict(keep_vars=True)
    return {
        name: whole.get(names.get(id(entry), ""), entry) for name, entry in state.items() if keep
    }


def _originals(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    reshard(sharded_modules(module))
    yield from module.named_parameters()
    yield from module.named_buffers()


def _whole(original: Tensor, tensor: Tensor) -> Tensor:
    """Return a whole tensor from its parts on the ranks, if the original is sharded."""
    if not isinstance(original, DTensor):
        return tensor
    return as_shard(original, tensor).full_tensor()


def _of_first_rank(tensor: Tensor, sharded: DTensor) -> Tensor:
    """Return the tensor of the first rank of those that a parameter is sharded over."""
    return local(distribute_tensor(tensor, sharded.device_mesh, [Replicate()]))


def _described(shape: torch.Size | None) -> str:
    return "it is missing" if shape is None else f"the shape {tuple(shape)}"
