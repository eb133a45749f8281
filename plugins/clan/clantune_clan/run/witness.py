"""Whether members compete on the same data: a checksum of the first competitive batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from clantune_clan.inheritance.checksum import checksum
from clantune_clan.member.individual import Individual
from clantune_clan.run.console import LOGGER
from clantune_clan.unwrapping import bare_module


class BatchWitness:
    """Takes a checksum of what the model is called with in the first competitive step.

    Attributes:
        seen: The checksum; None before that step, and once it was compared.
    """

    def __init__(self, model: nn.Module) -> None:
        """Hook into the forward pass."""
        self.seen: int | None = None
        self._member: Individual | None = None
        self._hook = bare_module(model).register_forward_pre_hook(self._look, with_kwargs=True)

    def watch(self, member: Individual) -> None:
        """Look at the batches of this member."""
        self._member = member

    def compare(self, checksums: Sequence[int | None], ranks_per_member: int) -> None:
        """Compare what the ranks have seen, once; a difference between members is a warning."""
        if None in checksums:
            return
        self.close()
        # The ranks of one member share a batch; ranks of equal place have the same part of it.
        places = [checksums[place::ranks_per_member] for place in range(ranks_per_member)]
        if any(len({*seen}) > 1 for seen in places):
            LOGGER.warning(
                "members got different batches in the first competitive step, so their losses "
                "also differ by luck, and selection is less sure: take the batches from "
                "clan.loader(...), which gives all members the same ones while they compete"
            )

    def close(self) -> None:
        """Remove the hook."""
        self._hook.remove()
        self._member, self.seen = None, None

    def _look(self, _: nn.Module, arguments: Any, named: Any) -> None:
        member = self._member
        if member is None or self.seen is not None or member.done:
            return
        if member.mode == "competitive":
            leaves = enumerate(tree_leaves((arguments, named)))
            tensors = {str(i): leaf for i, leaf in leaves if isinstance(leaf, Tensor)}
            self.seen = checksum(tensors).total
