"""The communication hooks of wrappers, which outlive the clans that use them.

torch lets a `DistributedDataParallel` have one communication hook, and cannot remove it. So each
wrapper gets a hook whose target can change: a clan, or none, and then it averages as usual.
"""

# torch compares the annotations of a hook with its own types, so they may not be strings here.

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch._C._distributed_c10d import GradBucket
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.nn.parallel import DistributedDataParallel

Target = Callable[[GradBucket], torch.futures.Future[torch.Tensor]]
"""A method that averages a bucket."""


class _Switch:
    """The state of a wrapper's hook: the method that averages its buckets, if a clan has one."""

    def __init__(self) -> None:
        self.target: Callable[[], Target | None] = lambda: None

    def __reduce__(self) -> tuple[Any, ...]:
        return (_Switch, ())  # a copy of a wrapper has nothing to do with this clan


_SWITCHES: "weakref.WeakKeyDictionary[DistributedDataParallel, _Switch]"
_SWITCHES = weakref.WeakKeyDictionary()


def _average(switch: _Switch, bucket: GradBucket) -> torch.futures.Future[torch.Tensor]:
    target = switch.target()
    return target(bucket) if target is not None else allreduce_hook(None, bucket)  # type: ignore[arg-type]


def has_other_hook(wrapper: DistributedDataParallel) -> bool:
    """Whether the wrapper has a communication hook that is not of this module."""
    return wrapper not in _SWITCHES and bool(wrapper._comm_hooks)  # noqa: SLF001


def connect(wrapper: DistributedDataParallel, target: Target) -> None:
    """Let a method average the buckets of a wrapper. It is kept by a weak reference."""
    switch = _SWITCHES.get(wrapper)
    if switch is None:
        switch = _SWITCHES[wrapper] = _Switch()
        wrapper.register_comm_hook(switch, _average)
    switch.target = weakref.WeakMethod(target)


def disconnect(wrapper: DistributedDataParallel) -> None:
    """Let a wrapper average over all ranks again, as without a clan."""
    if (switch := _SWITCHES.get(wrapper)) is not None:
        switch.target = lambda: None
