"""Models that a clan cannot train, and why."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn
from torch.distributed import get_process_group_ranks
from torch.distributed.fsdp import FlatParameter
from torch.distributed.tensor import DTensor
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError, GradientError
from clantune_clan.reduction.sharding import ADVICE
from clantune_clan.shards import sharded_modules


def require_trainable(module: nn.Module, communicator: Communication) -> None:
    """Raise an error that names what a clan cannot train.

    Args:
        module: Bare module.
        communicator: Channel to the other ranks.

    Raises:
        ClanError: A parameter, a buffer or a module is of a kind that no member can have.
    """
    is_sharded = bool(sharded_modules(module))
    for name, tensor in _named_tensors(module):
        if not (is_sharded and isinstance(tensor, DTensor)) and (why := _why_not(tensor)):
            raise ClanError(f"{name} {why}")
    for name, parameter in module.named_parameters():
        if parameter.requires_grad and not parameter.is_floating_point():
            raise GradientError(
                f"the parameter {name!r} is of {parameter.dtype}, whose gradients cannot be "
                "averaged; give parameters real floating-point types"
            )
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise ClanError("the model has no parameter that learns")
    for name, child in module.named_modules():
        if isinstance(child, nn.SyncBatchNorm) and _mixes_members(child, communicator):
            raise ClanError(
                f"the module {name!r} is a SyncBatchNorm, which would mix the statistics of "
                "members: use BatchNorm, or members of several ranks, and leave process_group out"
            )


def synchronise_inside_member(
    module: nn.Module, communicator: Communication
) -> list[nn.SyncBatchNorm]:
    """Let `SyncBatchNorm` share its statistics with the ranks of this member.

    Args:
        module: Bare module.
        communicator: Channel to the other ranks.

    Returns:
        The modules that have got the process group of the member, which ends with the clan.
    """
    found = [m for m in module.modules() if isinstance(m, nn.SyncBatchNorm)]
    found = [each for each in found if each.process_group is None]
    for each in found:
        each.process_group = communicator.own
    return found


def _named_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for name, parameter in module.named_parameters():
        yield f"the parameter {name!r}", parameter
    for name, buffer in module.named_buffers():
        yield f"the buffer {name!r}", buffer


def _why_not(tensor: Tensor) -> str | None:
    """Return why a member cannot have a tensor, or None."""
    if isinstance(tensor, FlatParameter):
        return "is sharded by FullyShardedDataParallel: use fully_shard instead"
    if isinstance(tensor, DTensor):
        return (
            "is a DTensor, and fully_shard has not made it: a clan trains models that are sharded "
            f"by it alone, {ADVICE}"
        )
    if isinstance(tensor, UninitializedParameter | UninitializedBuffer):
        return "is lazy: run a forward pass before"
    if type(tensor) not in (Tensor, nn.Parameter):
        kind = type(tensor).__name__
        return f"is a {kind}, and children cannot inherit a subclass of Tensor: use plain tensors"
    return None


def _mixes_members(module: nn.SyncBatchNorm, communicator: Communication) -> bool:
    """Whether a module shares its statistics with ranks of other members."""
    if communicator.world_size == 1:
        return False
    given, own = module.process_group, communicator.own
    if given is None or own is None:
        return own is None
    return get_process_group_ranks(given) != get_process_group_ranks(own)
