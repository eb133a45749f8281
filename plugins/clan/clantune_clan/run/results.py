"""The results of a run: its best model, and the schedule that it found."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from clantune_clan.communication import Communication
from clantune_clan.member.state import State
from clantune_clan.records.events import RunStart
from clantune_clan.records.history import History
from clantune_clan.records.schedule import export_schedule, schedule_of
from clantune_clan.run.run_start import run_start
from clantune_clan.run.setup import Setup
from clantune_clan.run.state import RunState


class Results:
    """Methods of a clan that return what its run has found.

    Attributes:
        history: Records of all members and rounds, on rank 0.
        run_state: Place in the run.
        communicator: Channel between the ranks.
    """

    history: History
    run_state: RunState
    communicator: Communication
    _setup: Setup
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

    def export_schedule(self, path: str | Path) -> None:
        """Write the schedule that was found as JSON, on rank 0."""
        if self.communicator.rank == 0:
            export_schedule(schedule_of([*self.history.rounds()], self._run_start()), path)

    def _run_start(self) -> RunStart:
        setup, genes = self._setup, self._state.genome.alleles
        return run_start(
            setup.settings,
            genes,
            setup.presets,
            setup.schedulers.names,
            self.communicator,
            self.run_state.step,
        )

    @property
    def _state(self) -> State:
        raise NotImplementedError
