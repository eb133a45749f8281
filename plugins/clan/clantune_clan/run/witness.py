"""A check that members compete on the same data, by a checksum of the first such batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle

from clantune_clan.inheritance.checksum import checksum
from clantune_clan.module_hook import ModuleHook
from clantune_clan.run.console import LOGGER
from clantune_clan.schedule import Mode


def _is_dense(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.layout is torch.strided


class BatchWitness:
    """Computes a checksum of the model's inputs in the first competitive step of a run.

    Attributes:
        seen: Checksum; None before that step, and after the ranks have compared it.
    """

    def __init__(self, model: nn.Module) -> None:
        """Start without a checksum, before the first competitive phase."""
        self.seen: int | None = None
        self._module = model
        self._hook: RemovableHandle | None = None
        self._is_over = False

    def phase(self, mode: Mode) -> None:
        """Read the next inputs of the model, if members compete now for the first time."""
        if mode == "competitive" and not self._is_over:
            self._is_over = True

            look = ModuleHook(self._look)
            self._hook = self._module.register_forward_pre_hook(look, with_kwargs=True)

    def compare(self, checksums: Sequence[int | None], ranks_per_member: int, rank: int) -> None:
        """Compare the checksums of the ranks. Rank 0 warns of a difference between members."""
        self.seen = None
        if None in checksums or rank > 0:
            return
        # The ranks of one member share a batch; ranks of equal place have the same part of it.
        places = [checksums[place::ranks_per_member] for place in range(ranks_per_member)]
        if any(len({*seen}) > 1 for seen in places):
            LOGGER.warning(
                "members got different batches in the first competitive step, so their losses "
                "also differ by luck, and selection is less sure: take the batches from "
                "clan.loader(...), which gives all members the same ones while they compete, and "
                "give Clan(accumulate=...) if gradients accumulate, so that phases end in time"
            )

    def close(self) -> None:
        """Remove the hook, if it is registered."""
        if self._hook is not None:
            self._hook.remove()
            self._hook = None

    def _look(self, _: nn.Module, arguments: Any, named: Any) -> None:
        if torch.compiler.is_compiling():
            return  # a checksum cannot be part of the graph, so the batches are not compared
        self.close()
        leaves = enumerate(tree_leaves((arguments, named)))
        tensors = {str(place): leaf for place, leaf in leaves if _is_dense(leaf)}
        self.seen = checksum(tensors).total
