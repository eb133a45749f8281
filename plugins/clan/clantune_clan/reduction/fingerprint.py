"""A fingerprint of the parameters, which detects changes after the setup of a member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import Tensor, nn
from torch.optim import Optimizer

from clantune_clan.errors import GradientError
from clantune_clan.shards import reshard, sharded_modules


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
        for (optimizer, place), parameters in self._groups.items():
            strangers = sum(parameter not in known for parameter in parameters)
            if strangers:
                raise GradientError(
                    f"{strangers} of the {len(parameters)} parameters in group {place} of "
                    f"{self._name_of(optimizer)} are not the model's; make the optimizer from "
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
        for each in {**before, **after}:
            if before.get(each) != after.get(each):
                how = "changed" if each in before else "added"
                how = how if each in after else "removed"
                optimizer, place = each
                return GradientError(
                    f"param group {place} of {self._name_of(optimizer)} was {how} after the "
                    "member was set up, so no gene governs it; make all param groups before the "
                    "first round, or announce them between two rounds by clan.refresh()"
                )
        return None

    def _name_of(self, optimizer: int) -> str:
        """Return the name of an optimizer in a message."""
        kind = type(self._optimizers[optimizer]).__name__
        is_alone = len(self._optimizers) == 1
        return "the optimizer" if is_alone else f"optimizer {optimizer} ({kind})"

    def _other_parameters(self) -> GradientError | None:
        reshard(sharded_modules(self._module))
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


def _members(optimizers: Iterable[Optimizer]) -> dict[tuple[int, int], list[int]]:
    """Return the identities of the parameters in each group, by the places of both."""
    return {
        (place, number): [*map(id, group["params"])]
        for place, optimizer in enumerate(optimizers)
        for number, group in enumerate(optimizer.param_groups)
    }


def _changed(name: str, how: str) -> GradientError:
    return GradientError(
        f"the parameter {name!r} was {how} after the member was set up, so its gradient is not "
        "averaged rightly any more; freeze, unfreeze and replace parameters before, or announce "
        "it between two rounds by clan.refresh(), and load weights in place (load_state_dict "
        "without assign=True)"
    )
