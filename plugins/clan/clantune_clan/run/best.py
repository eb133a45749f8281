"""The best weights so far, which stay on the rank that found them until the end of the run."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.member.handing_out import hand_out
from clantune_clan.member.optimizer_state import copied
from clantune_clan.member.state import State
from clantune_clan.run.gathering import fill_whole, require_copyable, whole_state
from clantune_clan.shards import sharded_modules
from clantune_clan.unwrapping import copy_of, named_tensors
from clantune_core import Genome


@attrs.frozen(eq=False)
class Best:
    """The weights with the lowest fitness: the centre's, or those of one member.

    Attributes:
        fitness: Fitness of these weights; infinite before any are found.
        first: Fitness of the first weights that were measured, at the end of a round.
        round: Round in which they were found; -1 before any are found.
        found_by: Member that found the weights; None if they are the centre's.
        holder: Only member that has the weights now; None if all ranks have them.
        genome: Genome of this rank in that round.
        rates: Learning rate by gene at the end of that round: mean over members.
        tensors: Parameters and buffers by name; None on ranks without the weights.
        moments: What the optimizers kept for the parameters then; None if that is not kept.
    """

    fitness: float = math.inf
    round: int = -1
    found_by: int | None = None
    holder: int | None = None
    genome: Genome | None = None
    rates: Mapping[str, float] = attrs.field(factory=dict)
    tensors: Mapping[str, Tensor] | None = attrs.field(default=None, repr=False)
    moments: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    first: float = math.inf

    @property
    def exists(self) -> bool:
        """Whether any weights were found."""
        return self.round >= 0

    @property
    def gain(self) -> float:
        """How much better than the first ones of the run these weights are."""
        return self.first - self.fitness

    def or_better(
        self,
        state: State,
        fitness: float,
        round_: int,
        *,
        member: int | None,
        mine: bool,
        rates: Mapping[str, float],
        with_moments: bool = False,
    ) -> Best:
        """Return the current weights of the model if they are better, or this object.

        Args:
            state: State of the model with the new weights, on the ranks that have them.
            fitness: Fitness of the new weights, equal on all ranks.
            round_: Number of the round.
            member: Member that has the new weights; None if all members have them.
            mine: Whether this rank has the new weights.
            rates: Learning rate by gene, equal on all ranks.
            with_moments: Whether the state of the optimizers is kept as well.
        """
        if not fitness < self.fitness:
            return self
        kept = None
        if mine:
            tensors = named_tensors(state.model)
            kept = {name: tensor.detach().clone() for name, tensor in tensors.items()}
        moments = copied(state) if with_moments else None
        first = self.first if self.exists else fitness
        return Best(
            fitness, round_, member, member, state.genome, dict(rates), kept, moments, first
        )

    def without_moments(self) -> Best:
        """Return these weights without what the optimizers kept."""
        return attrs.evolve(self, moments=None)

    def covering(self, state: State, new: Collection[str], genome: Genome | None) -> Best:
        """Return these weights for a model that has changed, with its current new tensors.

        Args:
            state: State of the model that has changed since.
            new: Names of the tensors that were added or replaced, equal on all ranks.
            genome: Genome of this rank, with the paths that its genes have now.
        """
        if (before := self.tensors) is None:
            return attrs.evolve(self, genome=genome)
        moments = self.moments and {n: m for n, m in self.moments.items() if n not in new}
        tensors = {
            name: tensor.detach().clone() if name in new or name not in before else before[name]
            for name, tensor in named_tensors(state.model).items()
        }
        return attrs.evolve(self, genome=genome, tensors=tensors, moments=moments)

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
        tensors = self._whole_set(state.model)
        self._send(state.model, tensors, communicator)
        return attrs.evolve(self, holder=None, tensors=tensors)

    def fill(self, module: nn.Module, communicator: Communication) -> None:
        """Fill a module with the weights. All ranks call this together if one member has them."""
        live = named_tensors(module)
        if self.tensors is not None:
            with torch.no_grad():
                for name, tensor in self.tensors.items():
                    live[name].copy_(tensor)
        if self.holder is not None:
            self._send(module, live, communicator)

    def model(
        self, state: State, communicator: Communication, into: nn.Module | None = None
    ) -> nn.Module:
        """Return a module with these weights, or with those of the model if none were found.

        All ranks call this together if one member has the best weights, or if the model is sharded.

        Args:
            state: State of the model.
            communicator: Channel to the other ranks.
            into: Module to fill with whole tensors; None: a copy of the bare module.

        Raises:
            ClanError: The model is sharded and there is no module to fill, or it does not fit.
        """
        if into is not None:
            fill_whole(into, state.model, self.shared(state, communicator).tensors)
            return into
        require_copyable(state.model)
        made = copy_of(state.model)
        made.zero_grad()
        self.fill(made, communicator)
        return made

    def to_write(self, state: State, communicator: Communication) -> Mapping[str, Any] | None:
        """Return the entries of a module with these weights on the first rank that has them.

        Other ranks return None. The ranks of a member whose model is sharded call this together,
        since they gather its tensors. Other entries are tensors of this object, so only read them.
        """
        first = self._source(communicator)
        if self.tensors is None or communicator.member_index != (self.holder or 0):
            return None
        if sharded_modules(state.model):
            entries = whole_state(state.model, self.tensors, keep=communicator.rank == first)
            return entries if communicator.rank == first else None
        if communicator.rank != first:
            return None
        live = named_tensors(state.model)
        instead = {id(live[name]): tensor for name, tensor in self.tensors.items()}
        return copy_of(state.model, instead).state_dict()

    def _whole_set(self, model: nn.Module) -> dict[str, Tensor]:
        """Return the weights on ranks that have them, and empty tensors of their form on others."""
        if self.tensors is not None:
            return dict(self.tensors)
        return {name: torch.empty_like(tensor) for name, tensor in named_tensors(model).items()}

    def _send(
        self, model: nn.Module, tensors: Mapping[str, Tensor], communicator: Communication
    ) -> None:
        where = "handing out the best weights"
        hand_out(model, communicator, where, member=self.holder or 0, tensors=tensors)

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
