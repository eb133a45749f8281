"""Optimizers that a clan does not have, and that train its parameters: no gene governs them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.hooks import RemovableHandle

from clantune_clan.errors import GradientError
from clantune_clan.reduction.hooks import hidden_hook


def refuse_strangers(
    parameters: Iterable[Tensor], optimizers: Collection[Optimizer]
) -> list[RemovableHandle]:
    """Let a step of any other optimizer with some of the parameters raise an error.

    An optimizer may use others inside its own step, as wrappers do.

    Args:
        parameters: Parameters that a clan trains.
        optimizers: Optimizers that it has.

    Returns:
        The hooks that do this. The first of them knows all optimizers of the process.
    """
    trained = {id(parameter) for parameter in parameters}
    known = {id(optimizer) for optimizer in optimizers}
    stepping: set[int] = set()

    def begin(optimizer: Optimizer, *_: object) -> None:
        stepping.add(id(optimizer))

    # After the step: a closure may have found a problem that says more.
    def end(optimizer: Optimizer, *_: object) -> None:
        if id(optimizer) in known:
            stepping.discard(id(optimizer))
        elif not stepping and not trained.isdisjoint(_parameters(optimizer)):
            raise GradientError(
                f"the {type(optimizer).__name__} that has made this step has parameters of the "
                "clan, and the clan has another optimizer for them, so no gene governs this one: "
                "give the clan the optimizer that makes the steps, and make no other later"
            )

    hooks = [register_optimizer_step_post_hook(hidden_hook(end))]
    return hooks + [each.register_step_pre_hook(hidden_hook(begin)) for each in optimizers]


def _parameters(optimizer: Optimizer) -> Iterable[int]:
    return (id(parameter) for group in optimizer.param_groups for parameter in group["params"])
