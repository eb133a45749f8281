"""The best weights so far: kept on the rank that found them, and shared at the end."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.member.state import State
from clantune_clan.unwrapping import bare_module, named_tensors
from clantune_core import Genome


@attrs.frozen(eq=False)
class Best:
    """The weights of the lowest fitness: those of the centre, or of one member.

    Attributes:
        fitness: Fitness of these weights; infinite before there are any.
        round: Round in which they were found; -1 before there are any.
        found_by: The member that they are the weights of; None if they are the centre's.
        holder: The only member that holds them now; None if all ranks do.
        genome: This rank's genome in that round.
        tensors: Parameters and buffers by name; None on ranks that do not hold them.
    """

    fitness: float = math.inf
    round: int = -1
    found_by: int | None = None
    holder: int | None = None
    genome: Genome | None = None
    tensors: Mapping[str, Tensor] | None = attrs.field(default=None, repr=False)

    @property
    def exists(self) -> bool:
        """Whether any weights were found."""
        return self.round >= 0

    def or_better(
        self, state: State, fitness: float, round_: int, *, member: int | None, mine: bool
    ) -> Best:
        """Return the weights that the model holds now if they are better, else these.

        Args:
            state: Whose model holds them, on the ranks that have them.
            fitness: Fitness of these weights, the same on all ranks.
            round_: Number of the round.
            member: The member that has them; None if all do.
            mine: Whether this rank has them.
        """
        if not fitness < self.fitness:
            return self
        tensors = named_tensors(state.model) if mine else {}
        kept = {name: tensor.detach().clone() for name, tensor in tensors.items()}
        return Best(fitness, round_, member, member, state.genome, kept if mine else None)

    def require_here(self) -> None:
        """Raise an error if only another rank may hold these weights."""
        if self.holder is not None:
            raise ClanError(
                f"the best weights are on member {self.holder}, and this clan is closed: call "
                "clan.best() before clan.close()"
            )

    def shared(self, state: State, communicator: Communication) -> Best:
        """Return these weights held by every rank. All ranks do this together."""
        if self.holder is None:
            return self
        module = copy.deepcopy(bare_module(state.model))
        self.fill(module, communicator)
        return attrs.evolve(self, holder=None, tensors=named_tensors(module))

    def fill(self, module: nn.Module, communicator: Communication) -> None:
        """Fill a module with these weights. All ranks do this together if one member holds them."""
        live = named_tensors(module)
        if self.tensors is not None:
            with torch.no_grad():
                for name, tensor in self.tensors.items():
                    live[name].copy_(tensor)
        if self.holder is not None:
            source = self.holder * communicator.ranks_per_member
            communicator.broadcast("handing out the best weights", live.values(), source=source)

    def model(self, state: State, communicator: Communication) -> nn.Module:
        """Return a copy of the bare module with these weights, or with its own if none are better.

        All ranks do this together if one member holds the best weights.
        """
        made = copy.deepcopy(bare_module(state.model))
        made.zero_grad()
        self.fill(made, communicator)
        return made

    def state_dict(self) -> dict[str, Any]:
        """Return tensors and plain data."""
        data = attrs.asdict(self, recurse=False)
        genome = None if self.genome is None else self.genome.serialize()
        tensors = None if self.tensors is None else dict(self.tensors)
        return {**data, "genome": genome, "tensors": tensors}

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Best:
        """Return what `state_dict` described."""
        if unknown := state.keys() ^ {field.name for field in attrs.fields(cls)}:
            raise ClanError(f"these are not the best weights of a run: see {sorted(unknown)}")
        genome = None if state["genome"] is None else Genome.deserialize(state["genome"])
        return cls(**{**state, "genome": genome})
