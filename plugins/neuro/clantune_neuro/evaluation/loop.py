"""Evaluation of one member after the other. It works for every module and every task."""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Iterable, Mapping
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _NormBase

from clantune_neuro.errors import EvaluationError
from clantune_neuro.tasks.base import Task, TaskContext
from clantune_neuro.tasks.score import Score

Weights = Mapping[str, Tensor]
"""The weights of a member: a tensor for each parameter, by the parameter's name."""

Member = Weights | Callable[[], Weights]
"""The weights of a member, or a function that makes them when it is the member's turn."""


def weights_of(member: Member) -> Weights:
    """Return the weights of a member, made now where a function makes them."""
    return member() if callable(member) else member


def prepared(module: nn.Module, buffers: str = "") -> nn.Module:
    """Return a copy of a module for evaluation: without gradients, dropout or running averages.

    Args:
        module: The module.
        buffers: The blueprint's rule for running statistics. `"batch"` normalises each batch by its
            own mean and variance, which needs more than one value per channel. Otherwise the
            running statistics are used as they are.

    Raises:
        EvaluationError: The rule is `"batch"`, and a layer keeps statistics in a way of its own.
    """
    made = copy.deepcopy(module).eval().requires_grad_(False)
    for name, part in made.named_modules() if buffers == "batch" else ():
        if getattr(part, "running_mean", None) is not None:
            _forget_statistics(name, part)
    return made


def _forget_statistics(name: str, layer: nn.Module) -> None:
    """Let a layer of torch use the statistics of each batch, as it does where it keeps none."""
    if not isinstance(layer, _NormBase):
        raise EvaluationError(
            f"{type(layer).__name__} {name!r} keeps running statistics in a way of its own; "
            'buffers="batch" is for the BatchNorm and InstanceNorm layers of torch; pass '
            'buffers="keep" to Blueprint.of'
        )
    layer.track_running_stats = False
    layer.running_mean = layer.running_var = layer.num_batches_tracked = None


def with_weights(module: nn.Module, weights: Weights) -> Callable[..., Any]:
    """Return a module as a function with other weights.

    The module's own weights and buffers stay as they are: the function has copies of the buffers.

    Points are moved to the device of the weights.

    Args:
        module: The module. It stays in the mode that it is in; see `prepared`.
        weights: Tensors by name. Parameters that are not named keep the module's own values.

    Raises:
        EvaluationError: The module has no tensor of a name.
    """
    check_names(module, weights)
    device = next(iter(weights.values())).device if weights else torch.device("cpu")

    tensors = buffers_of(module, device, weights) | dict(weights)

    def network(*points: Tensor) -> Any:
        moved = tuple(x.to(device) for x in points)
        return functional_call(module, tensors, moved)

    return network


def buffers_of(
    module: nn.Module, device: torch.device, but: Container[str] = ()
) -> dict[str, Tensor]:
    """Return copies of a module's buffers on a device, but for those that have other values."""
    named = module.named_buffers()
    return {name: one.to(device, copy=True) for name, one in named if name not in but}


def check_names(module: nn.Module, weights: Weights) -> None:
    """Check that a module has a tensor for each name. torch would leave out the others silently.

    Raises:
        EvaluationError: The module has no tensor of a name.
    """
    names = {name for name, _ in chain(module.named_parameters(), module.named_buffers())}
    for name in weights:
        if name not in names:
            raise EvaluationError(
                f"{type(module).__name__} has no tensor {name!r}; it has {', '.join(sorted(names))}"
            )


def loop(
    module: nn.Module, members: Iterable[Member], task: Task, context: TaskContext
) -> list[Score]:
    """Return the score of each member. One network at a time is in memory.

    A member on which the task fails is named in a note on the error.

    Args:
        module: The module that the weights belong to.
        members: The members.
        task: What the members are scored on.
        context: The generation and the seed of the run.
    """

    def scored(number: int, network: Callable[..., Any]) -> Score:
        try:
            return task(network, context)
        except Exception as error:
            error.add_note(f"while {type(task).__name__} scored member {number}")
            raise

    with torch.inference_mode():
        return [
            scored(number, with_weights(module, weights_of(member)))
            for number, member in enumerate(members)
        ]
