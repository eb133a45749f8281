"""The parts of a member that all ranks know of, to which a script may add more between rounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import attrs
from torch import Tensor, nn

from clantune_clan.errors import ClanError
from clantune_clan.member.optimizers import Optimizers
from clantune_clan.unwrapping import named_tensors


@attrs.frozen(eq=False)
class Announced:
    """The tensors of a model and the param groups of its optimizers at one time.

    Attributes:
        tensors: Parameters and buffers by name.
        groups: Paths of the param groups.
    """

    tensors: Mapping[str, Tensor] = attrs.field(repr=False)
    groups: tuple[str, ...]

    @classmethod
    def of(cls, model: nn.Module, optimizers: Optimizers) -> Self:
        """Return what is there now."""
        return cls(named_tensors(model), tuple(optimizers.groups))

    def new_tensors(self, model: nn.Module) -> dict[str, Tensor]:
        """Return the parameters and buffers that were added or replaced since, by name.

        A module may replace its buffers in a forward pass, so a buffer of the same shape counts as
        replaced only if a parameter of its module is.
        """
        now = named_tensors(model)
        new = {name for name, tensor in now.items() if not _is_same(self.tensors.get(name), tensor)}
        modules = {_module(name) for name in new}
        return {
            name: tensor
            for name, tensor in now.items()
            if name in new or (not isinstance(tensor, nn.Parameter) and _module(name) in modules)
        }

    def new_groups(self, optimizers: Optimizers) -> list[str]:
        """Return the paths of the param groups that were added since.

        Raises:
            ClanError: A param group is missing.
        """
        now = optimizers.groups
        for path in self.groups:
            if path not in now:
                raise ClanError(
                    f"{path} was removed, and genes find param groups by their number: keep the "
                    "group, and freeze its parameters (requires_grad_(False)) instead"
                )
        return [path for path in now if path not in self.groups]


def _is_same(before: Tensor | None, now: Tensor) -> bool:
    if before is None or (before.shape, before.dtype) != (now.shape, now.dtype):
        return False
    return before is now or not isinstance(now, nn.Parameter)


def _module(name: str) -> str:
    return name.rpartition(".")[0]
