"""The best weights so far: kept where they were found, and handed out at the end."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from clantune_clan.communication import Communication
from clantune_clan.member.state import State
from clantune_clan.member.unwrapping import bare_module
from clantune_core import Genome


class Best:
    """The weights of lowest fitness: of the centre, or of the member that has them.

    Attributes:
        fitness: Theirs; infinite before there are any.
        member: Who holds them; None if all do.
        round: In which round they were found.
        genome: This rank's genome in that round.
    """

    def __init__(self) -> None:
        """Hold none."""
        self.fitness = math.inf
        self.member: int | None = None
        self.round = -1
        self.genome: Genome | None = None
        self._tensors: dict[str, Tensor] | None = None

    def offer(
        self, state: State, fitness: float, round_: int, *, member: int | None, mine: bool
    ) -> bool:
        """Keep the weights that the model holds now, if they are better; say whether they are.

        Args:
            state: Whose model holds them, on the ranks that have them.
            fitness: Of these weights, the same on all ranks.
            round_: Number of the round.
            member: Who has them; None if all do.
            mine: Whether this rank has them.
        """
        if not fitness < self.fitness:
            return False
        self.fitness, self.member, self.round = fitness, member, round_
        self.genome = state.genome
        self._tensors = _held(state) if mine else None
        return True

    def restore(self, state: State, communicator: Communication) -> None:
        """Fill the model with the best weights. All ranks do this together."""
        self._fill(bare_module(state.model), communicator)

    def model(self, state: State, communicator: Communication) -> nn.Module:
        """Return a copy of the bare module with the best weights. All ranks do this together."""
        made = copy.deepcopy(bare_module(state.model))
        made.zero_grad()
        self._fill(made, communicator)
        return made

    def _fill(self, module: nn.Module, communicator: Communication) -> None:
        live = _tensors(module)
        if self._tensors is not None:
            with torch.no_grad():
                for name, tensor in self._tensors.items():
                    live[name].copy_(tensor)
        if self.member is not None:
            communicator.broadcast(
                [*live.values()], source=self.member * communicator.ranks_per_member
            )


def _held(state: State) -> dict[str, Tensor]:
    return {
        name: tensor.detach().clone() for name, tensor in _tensors(bare_module(state.model)).items()
    }


def _tensors(module: nn.Module) -> Mapping[str, Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}
