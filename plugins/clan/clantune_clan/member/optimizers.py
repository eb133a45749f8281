"""The optimizers of a model as one value, so that one and several are used alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs
from torch import nn
from torch.optim import Optimizer

from clantune_clan.errors import ClanError
from clantune_clan.shards import load_optimizer, optimizer_state
from clantune_clan.unwrapping import bare_module

ROOT = "optimizer"
"""First part of all paths into optimizers."""

ALONE = ""
"""Name of an optimizer that was given without a name, which its paths leave out."""

_IN_GROUP = re.compile(rf"({ROOT}/(?:[^/]+/)?param_groups/\d+)/(.+)")
_RESERVED = ("param_groups", "state", "defaults")

OptimizersLike: TypeAlias = "Optimizer | Sequence[Optimizer] | Mapping[str, Optimizer]"
"""One optimizer, a list of them, or optimizers by name."""


def split_path(path: str) -> tuple[str, str] | None:
    """Return the path of a param group and the setting in it, or None for any other path."""
    found = _IN_GROUP.fullmatch(path)
    return None if found is None else (found[1], found[2])


def _to_names(given: Any) -> Mapping[str, Optimizer]:
    if isinstance(given, Optimizers):
        return MappingProxyType(dict(given))
    if isinstance(given, Optimizer):
        return MappingProxyType({ALONE: _bare(given)})
    if isinstance(given, list | tuple):
        given = {str(place): optimizer for place, optimizer in enumerate(given)}
    if hasattr(given, "param_groups"):
        return MappingProxyType({ALONE: given})
    if not isinstance(given, Mapping):
        raise ClanError(
            "optimizer= takes an optimizer of torch, a list of optimizers, or optimizers by name; "
            f"got {given!r}"
        )
    if not given:
        raise ClanError("optimizer= is empty: give at least one optimizer")
    for name, optimizer in given.items():
        _require_named(name, optimizer)
    return MappingProxyType({name: _bare(optimizer) for name, optimizer in given.items()})


def _bare(optimizer: Optimizer) -> Optimizer:
    """Return the optimizer inside the wrappers of other packages, such as Accelerate's."""
    while isinstance(inner := getattr(optimizer, "optimizer", None), Optimizer):
        optimizer = inner
    return optimizer


def _require_named(name: object, optimizer: object) -> None:
    if not isinstance(optimizer, Optimizer):
        raise ClanError(
            f"optimizer= takes optimizers of torch, and {name!r} is a {type(optimizer).__name__}"
        )
    is_name = isinstance(name, str) and name and "/" not in name and not name.startswith("_")
    if not is_name or name in _RESERVED:
        raise ClanError(
            f"{name!r} cannot be the name of an optimizer, which is part of paths such as "
            "'optimizer/generator/param_groups/0/lr': give a text without '/' that does not begin "
            f"with '_' and is not {', '.join(_RESERVED)}"
        )


@attrs.frozen(eq=False)
class Optimizers(Mapping[str, Optimizer]):
    """The optimizers of a model by name, in a fixed order. A list gives the names "0", "1".

    Paths into one of several contain its name: `"optimizer/generator/param_groups/0/lr"`. Those
    into an optimizer that was given alone do not: `"optimizer/param_groups/0/lr"`.
    """

    _by_name: Mapping[str, Optimizer] = attrs.field(converter=_to_names)

    def __getitem__(self, name: str | int) -> Optimizer:
        """Return an optimizer by its name, or by its place in the list that was given."""
        return self._by_name[str(name)]

    def __iter__(self) -> Iterator[str]:
        """Return the names."""
        return iter(self._by_name)

    def __len__(self) -> int:
        """Return the number of optimizers."""
        return len(self._by_name)

    @property
    def as_given(self) -> Any:
        """The optimizer if it was given alone, or this mapping."""
        return self._by_name.get(ALONE, self)

    @property
    def tree(self) -> object:
        """The root of all paths: the optimizer if it was given alone, or a dictionary by name."""
        return self._by_name.get(ALONE, dict(self._by_name))

    def path_of(self, name: str) -> str:
        """Return the path of an optimizer."""
        return f"{ROOT}/{name}" if name else ROOT

    def groups_of(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the current param groups of an optimizer by path."""
        path, groups = self.path_of(name), self[name].param_groups
        return {f"{path}/param_groups/{place}": group for place, group in enumerate(groups)}

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        """The current param groups of all optimizers by path."""
        return {path: group for name in self for path, group in self.groups_of(name).items()}

    def learning_rates(self) -> tuple[float, ...]:
        """Return the `lr` of each param group of each optimizer, in order."""
        return tuple(float(group["lr"]) for group in self.groups.values())

    def groups_for(self, gene: str) -> tuple[list[str], str]:
        """Return the paths of the param groups that a gene sets by its name, and its setting.

        A name such as `"generator/lr"` stands for all groups of that optimizer, and `"lr"` for all
        groups of all optimizers.
        """
        first, _, rest = gene.partition("/")
        if rest and first in self:
            return [*self.groups_of(first)], rest
        return [*self.groups], gene

    def require_separate(self, model: nn.Module) -> None:
        """Check that no parameter belongs to two optimizers.

        Raises:
            ClanError: Two optimizers have the same parameter; the error names it.
        """
        names = {id(p): name for name, p in bare_module(model).named_parameters()}
        owner: dict[int, str] = {}
        for name, optimizer in self.items():
            for parameter in (p for group in optimizer.param_groups for p in group["params"]):
                if owner.setdefault(id(parameter), name) != name:
                    raise ClanError(
                        f"the parameter {names.get(id(parameter), '(of no name)')!r} is in the "
                        f"optimizers {owner[id(parameter)]!r} and {name!r}, which would both "
                        "change it: give each parameter to one optimizer"
                    )

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the optimizer that was given alone, or the states by name."""
        states = {name: optimizer_state(optimizer) for name, optimizer in self.items()}
        return dict(states.get(ALONE, states))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load a state that `state_dict` returned.

        Raises:
            ClanError: The state is of other optimizers or param groups. Nothing has changed.
        """
        states = self._states(state)
        for name, optimizer in self.items():
            load_optimizer(optimizer, states[name])

    def require_loadable(self, state: Mapping[str, Any]) -> None:
        """Check that a state is of these optimizers, with the same param groups.

        Raises:
            ClanError: The state is of other optimizers or param groups.
        """
        for name, saved in self._states(state).items():
            there = [len(group["params"]) for group in saved["param_groups"]]
            here = [len(group["params"]) for group in self[name].param_groups]
            if there != here:
                of = f" {name!r}" if name else ""
                raise ClanError(
                    f"the loaded state of the optimizer{of} has param groups of "
                    f"{_numbers(there)} parameters, and this one of {_numbers(here)}: make the "
                    "same groups, with those that clan.refresh() announced, before the clan"
                )

    def _states(self, state: Mapping[str, Any]) -> Mapping[str, Any]:
        states = {ALONE: state} if "param_groups" in state else state
        if states.keys() != self.keys():
            raise ClanError(
                f"the loaded state is of {_listed(states)}, and this one has {_listed(self)}: give "
                "optimizer= as in the run that was saved"
            )
        return states


def _listed(names: Mapping[str, Any]) -> str:
    return "one optimizer" if ALONE in names else f"the optimizers {', '.join(names)}"


def _numbers(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
