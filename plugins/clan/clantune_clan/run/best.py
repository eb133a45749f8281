"""The best weights so far, which stay on the rank that found them until the end of the run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.member.state import State
from clantune_clan.unwrapping import copy_of, named_tensors
from clantune_core import Genome


@attrs.frozen(eq=False)
class Best:
    """The weights with the lowest fitness: the centre's, or those of one member.

    Attributes:
        fitness: Fitness of these weights; infinite before any are found.
        round: Round in which they were found; -1 before any are found.
        found_by: Member that found the weights; None if they are the centre's.
        holder: Only member that has the weights now; None if all ranks have them.
        genome: Genome of this rank in that round.
        tensors: Parameters and buffers by name; None on ranks without the weights.
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
        """Return the current weights of the model if they are better, or this object.

        Args:
            state: State of the model with the new weights, on the ranks that have them.
            fitness: Fitness of the new weights, equal on all ranks.
            round_: Number of the round.
            member: Member that has the new weights; None if all members have them.
            mine: Whether this rank has the new weights.
        """
        if not fitness < self.fitness:
            return self
        tensors = named_tensors(state.model) if mine else {}
        kept = {name: tensor.detach().clone() for name, tensor in tensors.items()}
        return Best(fitness, round_, member, member, state.genome, kept if mine else None)

    def require_here(self) -> None:
        """Raise an error if this rank may lack these weights."""
        if self.holder is not None:
            raise ClanError(
                f"the best weights are on member {self.holder}, and this clan is closed: call "
                "clan.best() before clan.close()"
            )

    def shared(self, state: State, communicator: Communication) -> Best:
        """Return these weights after sending them to every rank. All ranks call this together."""
        if self.holder is None:
            return self
        module = copy_of(state.model)
        self.fill(module, communicator)
        return attrs.evolve(self, holder=None, tensors=named_tensors(module))

    def fill(self, module: nn.Module, communicator: Communication) -> None:
        """Fill a module with the weights. All ranks call this together if one member has them."""
        live = named_tensors(module)
        if self.tensors is not None:
            with torch.no_grad():
                for name, tensor in self.tensors.items():
                    live[name].copy_(tensor)
        if self.holder is not None:
            source = self._source(communicator)
            communicator.broadcast("handing out the best weights", live.values(), source=source)

    def model(self, state: State, communicator: Communication) -> nn.Module:
        """Return a copy of the bare module with these weights, or with its own if none were found.

        All ranks call this together if one member has the best weights.
        """
        made = copy_of(state.model)
        made.zero_grad()
        self.fill(made, communicator)
        return made

    def model_to_write(self, state: State, communicator: Communication) -> nn.Module | None:
        """Return a bare module with these weights on the first rank that has them, or None.

        The module contains the tensors of this object, not copies of them, so only read it.
        """
        if self.tensors is None or communicator.rank != self._source(communicator):
            return None
        live = named_tensors(state.model)
        instead = {id(live[name]): tensor for name, tensor in self.tensors.items()}
        return copy_of(state.model, instead)

    def _source(self, communicator: Communication) -> int:
        """Return the first rank that has the weights."""
        return (self.holder or 0) * communicator.ranks_per_member

    def state_dict(self) -> dict[str, Any]:
        """Return tensors and plain data."""
        data = attrs.asdict(self, recurse=False)
        genome = None if self.genome is None else self.genome.serialize()
        tensors = None if self.tensors is None else dict(self.tensors)
        return {**data, "genome": genome, "tensors": tensors}

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Best:
        """Return the object that `state_dict` described."""
        if unknown := state.keys() ^ {field.name for field in attrs.fields(cls)}:
            raise ClanError(f"these are not the best weights of a run: see {sorted(unknown)}")
        genome = None if state["genome"] is None else Genome.deserialize(state["genome"])
        return cls(**{**state, "genome": genome})
