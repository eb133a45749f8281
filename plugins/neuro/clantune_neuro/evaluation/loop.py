"""Evaluation of one member after the other. It works for every module and every task."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from clantune_neuro.errors import EvaluationError
from clantune_neuro.evaluation.score import Score
from clantune_neuro.tasks.base import Task, TaskContext

Weights = Mapping[str, Tensor]
"""The weights of a member: a tensor for each parameter, by the parameter's name."""

Member = Weights | Callable[[], Weights]
"""The weights of a member, or a function that makes them when it is the member's turn."""


def weights_of(member: Member) -> Weights:
    """Return the weights of a member, made now where a function makes them."""
    return member() if callable(member) else member


def prepared(module: nn.Module) -> nn.Module:
    """Return a copy of a module for evaluation: without gradients, dropout or running averages."""
    return copy.deepcopy(module).eval().requires_grad_(False)


def with_weights(module: nn.Module, weights: Weights) -> Callable[..., Any]:
    """Return a module as a function with other weights. The module's own weights stay as they are.

    Points are moved to the device of the weights.

    Args:
        module: The module. It stays in the mode that it is in; see `prepared`.
        weights: Tensors by name. Parameters that are not named keep the module's own values.

    Raises:
        EvaluationError: The module has no tensor of a name.
    """
    check_names(module, weights)
    device = next(iter(weights.values())).device if weights else torch.device("cpu")

    def network(*points: Tensor) -> Any:
        moved = tuple(x.to(device) for x in points)
        return functional_call(module, dict(weights), moved)

    return network


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

    A member whose evaluation fails is named in a note on the error.

    Args:
        module: The module that the weights belong to.
        members: The members.
        task: What the members are scored on.
        context: The generation and the seed of the run.
    """
    scores = []
    with torch.inference_mode():
        for number, member in enumerate(members):
            try:
                scores.append(task(with_weights(module, weights_of(member)), context))
            except Exception as error:
                error.add_note(f"while {type(task).__name__} scored member {number}")
                raise
    return scores
