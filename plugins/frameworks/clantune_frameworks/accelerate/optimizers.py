"""Optimizers that a script has made again, beside those of its clan."""

from __future__ import annotations

from collections.abc import Collection

from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils.hooks import RemovableHandle

from clantune_clan import ClanError


def refuse_others(ours: Collection[Optimizer]) -> RemovableHandle:
    """Let a step of any other optimizer with the same parameters raise an error.

    Args:
        ours: Optimizers of the clan.

    Returns:
        A handle, whose `remove()` ends this.
    """
    known = {id(optimizer) for optimizer in ours}
    parameters = {id(parameter) for optimizer in ours for parameter in _parameters(optimizer)}

    def check(optimizer: Optimizer, *_: object) -> None:
        if id(optimizer) in known or parameters.isdisjoint(map(id, _parameters(optimizer))):
            return
        raise ClanError(
            f"the {type(optimizer).__name__} that makes this step has the parameters of the clan "
            "and none of its genes: give accelerate_clan the optimizer that makes the steps"
        )

    return register_optimizer_step_pre_hook(check)


def _parameters(optimizer: Optimizer) -> list[object]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
