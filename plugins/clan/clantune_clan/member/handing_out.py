"""Copying the weights and buffers of one member to all others."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from clantune_clan.communication import Communication
from clantune_clan.shards import reshard, sharded_modules
from clantune_clan.unwrapping import bare_module, named_tensors


def hand_out(
    module: nn.Module,
    communicator: Communication,
    where: str,
    *,
    member: int = 0,
    tensors: Mapping[str, Tensor] | None = None,
) -> None:
    """Fill all members with the weights and buffers of one of them. All ranks call this together.

    A rank gets whole tensors from the first rank of that member, and its shards from the rank with
    its own place.

    Args:
        module: Module, the same on all ranks.
        communicator: Channel to the other ranks.
        where: Description of the exchange.
        member: Member that has the weights.
        tensors: Tensors by name to send and to fill; None: those of the module.
    """
    bare = bare_module(module)
    reshard(sharded_modules(bare))
    tensors = named_tensors(module) if tensors is None else tensors
    source = member * communicator.ranks_per_member
    sharded = {name for name, p in bare.named_parameters() if isinstance(p, DTensor)}
    whole = [tensor for name, tensor in tensors.items() if name not in sharded]
    communicator.broadcast(where, whole, source=source)
    if sharded:
        shards = [tensor for name, tensor in tensors.items() if name in sharded]
        communicator.broadcast(where, shards, source=source, among_peers=True)
