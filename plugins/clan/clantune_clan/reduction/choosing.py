"""The choice of a reduction for a model."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal, get_args

from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError, GradientError
from clantune_clan.reduction.exact import ExactGradients
from clantune_clan.reduction.gradients import Gradients
from clantune_clan.reduction.models import require_trainable, synchronise_inside_member
from clantune_clan.reduction.sharded import ShardedGradients
from clantune_clan.reduction.sharding import refuse_old_shards, require_shards
from clantune_clan.reduction.switchboard import has_other_hook
from clantune_clan.reduction.wrapped import WrappedGradients
from clantune_clan.shards import reshard, sharded_modules
from clantune_clan.unwrapping import bare_module

ReductionName = Literal["auto", "exact", "ddp"]
"""How gradients are averaged, see `build_state`."""

NAMES: tuple[str, ...] = get_args(ReductionName)

SMALL = 2**20
"""Bytes of gradients up to which one sum is as fast as several on any device."""


def make_gradients(
    model: nn.Module,
    optimizers: Sequence[Optimizer],
    communicator: Communication,
    name: ReductionName,
) -> Gradients:
    """Return the object that averages the gradients of a model.

    Args:
        model: Model, bare or wrapped.
        optimizers: Optimizers of its parameters.
        communicator: Channel to the other ranks.
        name: Name of the reduction. `"auto"` uses the `DistributedDataParallel` that a model comes
            wrapped in, if it can, and wraps a model that is large, on an accelerator, and has one
            optimizer; others are `"exact"`. A model that `fully_shard` has sharded has a reduction
            of its own.

    Raises:
        ClanError: The model cannot be trained in a clan, or not with this reduction.
    """
    if name not in NAMES:
        raise ClanError(f"reduction is {', '.join(NAMES[:-1])} or {NAMES[-1]}; got {name!r}")
    module = bare_module(model)
    refuse_old_shards(model)
    reshard(sharded_modules(module))
    require_trainable(module, communicator)
    gradients = _choose(model, optimizers, communicator, name)
    for each in synchronise_inside_member(module, communicator):
        gradients.when_closed(functools.partial(setattr, each, "process_group", None))
    return gradients


def _choose(
    model: nn.Module,
    optimizers: Sequence[Optimizer],
    communicator: Communication,
    name: ReductionName,
) -> Gradients:
    module = bare_module(model)
    if sharded_modules(module):
        return _sharded(model, optimizers, communicator, name)
    if name == "exact" or communicator.world_size == 1:
        return ExactGradients(model, optimizers, communicator)
    wrapper = _wrapper_of(model)
    # With several optimizers, a backward pass mostly goes through a part of the model.
    is_plain = len(optimizers) == 1
    if wrapper is None and (name == "ddp" or (is_plain and _is_slow_to_add_up(module))):
        model = wrapper = DistributedDataParallel(
            model, init_sync=False, gradient_as_bucket_view=True
        )
    problem = None if wrapper is None else _problem(wrapper, communicator.world_size)
    # A wrapper that looks for unused parameters does so over all ranks, also while members compete.
    is_unfit = problem is not None or (wrapper is not None and wrapper.find_unused_parameters)
    if wrapper is None or (is_unfit and name == "auto"):
        return ExactGradients(model, optimizers, communicator)
    if problem is not None:
        raise problem
    return WrappedGradients(model, wrapper, optimizers, communicator)


def _sharded(
    model: nn.Module,
    optimizers: Sequence[Optimizer],
    communicator: Communication,
    name: ReductionName,
) -> Gradients:
    module = bare_module(model)
    if name != "auto":
        raise ClanError(
            f"reduction is {name!r}, and the model is sharded by fully_shard, which averages "
            "gradients itself: leave reduction out"
        )
    require_shards(module, communicator)
    return ShardedGradients(model, optimizers, communicator)


def _wrapper_of(model: nn.Module) -> DistributedDataParallel | None:
    """Return the `DistributedDataParallel` around a whole model, below torch.compile or not."""
    inner = getattr(model, "_orig_mod", model)
    return inner if isinstance(inner, DistributedDataParallel) else None


def _is_slow_to_add_up(module: nn.Module) -> bool:
    """Whether one sum after the backward pass takes longer than several during it.

    On a CPU they take the same processors, so several gain nothing.
    """
    learning = [p for p in module.parameters() if p.requires_grad]
    size = sum(p.numel() * p.element_size() for p in learning)
    return size > SMALL and learning[0].device.type != "cpu"


def _problem(wrapper: DistributedDataParallel, world_size: int) -> GradientError | None:
    """Return an error if the wrapper cannot average the gradients of a clan, or None."""
    why = None
    if wrapper.process_group.size() != world_size:
        why = "averages over some ranks only: leave process_group out"
    elif has_other_hook(wrapper):
        why = "has a communication hook already, and torch allows one: leave it out"
    elif wrapper.parameters_to_ignore:
        why = f"ignores parameters, such as {min(wrapper.parameters_to_ignore)!r}: freeze them"
    elif wrapper._use_python_reducer:  # noqa: SLF001
        why = "runs with compiled autograd, which has no communication hooks: switch it off"
    if why is None:
        return None
    return GradientError(
        f"the DistributedDataParallel around the model {why}; or choose reduction='exact', which "
        "does not use the wrapper"
    )
