"""The best model of a run."""

from __future__ import annotations

from torch import nn

from clantune_clan.communication import Communication
from clantune_clan.member.state import State
from clantune_clan.run.state import RunState


class WithBest:
    """A clan that keeps its best weights.

    Attributes:
        run_state: Place in the run.
        communicator: Channel between the ranks.
    """

    run_state: RunState
    communicator: Communication
    _is_closed: bool

    def best(self, into: nn.Module | None = None) -> nn.Module:
        """Return a copy of the model with the best weights so far. All ranks do this together.

        The copy is the bare module: the clan's centre with the lowest fitness, or the best member.

        Args:
            into: Module to fill and return instead of a copy. A model that `fully_shard` has
                sharded cannot be copied, so this is a module that is built like it and not sharded;
                the ranks of each member gather one tensor after the other.
        """
        if self._is_closed:
            self.run_state.best.require_here()
        return self.run_state.best.model(self._state, self.communicator, into)

    @property
    def _state(self) -> State:
        raise NotImplementedError
