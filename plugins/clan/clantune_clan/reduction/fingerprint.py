"""A fingerprint of the parameters, which detects changes after the setup of a member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from clantune_clan.errors import GradientError


class ParameterFingerprint:
    """The parameters of a model, their `requires_grad` flags, and the optimizers' param groups."""

    def __init__(self, module: nn.Module, optimizers: Sequence[Optimizer]) -> None:
        """Take the fingerprint.

        Raises:
            GradientError: An optimizer has parameters that the model does not have.
        """
        self._module = module
        self._optimizers = optimizers
        self._parameters = dict(module.named_parameters())
        self._learns = {name: p.requires_grad for name, p in self._parameters.items()}
        self._groups = _members(optimizers)
        known = {id(parameter) for parameter in self._parameters.values()}
        for place, group in enumerate(_groups(optimizers)):
            strangers = sum(id(parameter) not in known for parameter in group["params"])
            if strangers:
                raise GradientError(
                    f"{strangers} of the {len(group['params'])} parameters in group {place} of "
                    "the optimizer are not the model's; make the optimizer from "
                    "model.parameters(), after the model has got its last form"
                )

    def name_of(self, parameter: Tensor) -> str:
        """Return the name of a parameter."""
        return next(name for name, held in self._parameters.items() if held is parameter)

    def problem(self) -> GradientError | None:
        """Return an error that names the first change since then, or None."""
        return self._other_groups() or self._other_parameters()

    def _other_groups(self) -> GradientError | None:
        before, after = self._groups, _members(self._optimizers)
        for place in range(max(len(before), len(after))):
            if before[place : place + 1] != after[place : place + 1]:
                how = "added" if place >= len(before) else "changed"
                how = "removed" if place >= len(after) else how
                return GradientError(
                    f"param group {place} of the optimizer was {how} after the member was set up, "
                    "so no gene governs it; make all param groups before the first round"
                )
        return None

    def _other_parameters(self) -> GradientError | None:
        now = dict(self._module.named_parameters())
        for name in {**self._parameters, **now}:
            before, after = self._parameters.get(name), now.get(name)
            if before is not after:
                how = "replaced" if before is not None and after is not None else "added"
                how = "removed" if after is None else how
                return _changed(name, how)
            if after is not None and after.requires_grad != self._learns[name]:
                return _changed(name, "unfrozen" if after.requires_grad else "frozen")
        return None


def _groups(optimizers: Iterable[Optimizer]) -> list[dict[str, Any]]:
    return [group for optimizer in optimizers for group in optimizer.param_groups]


def _members(optimizers: Iterable[Optimizer]) -> list[list[int]]:
    """Return the identities of the parameters in each param group."""
    return [[*map(id, group["params"])] for group in _groups(optimizers)]


def _changed(name: str, how: str) -> GradientError:
    return GradientError(
        f"the parameter {name!r} was {how} after the member was set up, so its gradient is not "
        "averaged rightly any more; freeze, unfreeze and replace parameters before, and load "
        "weights in place (load_state_dict without assign=True)"
    )
