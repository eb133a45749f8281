"""Saving a run in a folder, and resuming it in another process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clantune_clan import checkpoint
from clantune_clan.communication import Communication
from clantune_clan.communication.joining import is_restarted
from clantune_clan.errors import ClanError
from clantune_clan.records.history import History
from clantune_clan.run import another_world
from clantune_clan.run.console import LOGGER
from clantune_clan.run.packing import gather_on_first, pack, unpack
from clantune_clan.run.saving import Saving
from clantune_clan.run.setup import Setup
from clantune_clan.run.snapshot import random_streams
from clantune_clan.run.state import RunState
from clantune_clan.run.training import Training


class Resumable:
    """Methods that save and resume a clan. All ranks call the same methods.

    Attributes:
        history: Records of all members and rounds, on rank 0.
        run_state: Place in the run.
        communicator: Channel between the ranks.
    """

    history: History
    run_state: RunState
    communicator: Communication
    _setup: Setup
    _training: Training | None
    _is_closed: bool
    _saving: Saving | None

    def save(self, folder: str | Path) -> Path:
        """Write a checkpoint into the folder of a run, and return its own folder.

        Call it after `member.step()`, or between two rounds. All ranks must reach the folder.

        Args:
            folder: Folder of the run, in which each checkpoint has a folder.

        Raises:
            ClanError: No round has begun, the run is over, or gradients are pending.
            CheckpointError: There is a checkpoint of this step already, or writing fails.
        """
        self._require_open("save")
        if self._training is None:
            raise ClanError("there is nothing to save before the first round")
        if self._saving is not None:
            self._saving.complete()
        # Members that compete may be at different steps. That of rank 0 names the checkpoint.
        step = self.communicator.gather("saving", self._steps_done())[0]
        return checkpoint.write(
            Path(folder),
            self.communicator,
            self.state_dict,
            round_=self.run_state.round,
            step=step,
        )

    def resume(self, folder: str | Path) -> None:
        """Resume from a checkpoint, before the first round.

        Make the clan, its model, optimizer, scheduler and loader as in the run that was saved. The
        number of members or ranks may differ: the fittest members continue, or clones are added.

        Args:
            folder: Folder of a checkpoint, or of a run, whose latest checkpoint is loaded.

        Raises:
            CheckpointError: The checkpoint is missing or damaged, or belongs to another run.
        """
        found = self.communicator.attempt(
            "finding a checkpoint", lambda: checkpoint.Checkpoint.at(Path(folder))
        )
        self.communicator.require_same(
            "resuming", lambda: {"the checkpoint": {"folder": found.folder.name}}
        )
        if found.is_of(self.communicator):
            state = checkpoint.read(found, self.communicator)
        else:
            state = another_world.read(found, self.communicator, self._setup.settings)
        self.communicator.attempt("resuming", lambda: self.load_state_dict(state))
        if self.communicator.rank == 0:
            LOGGER.info("the run goes on from %s", found.folder)

    def state_dict(self) -> dict[str, Any]:
        """Return the state that this rank needs to resume, as tensors and plain data.

        Each rank has its own state. Save the states of all ranks at the same step.
        """
        if self._training is None:
            raise ClanError("there is no state before the first round")
        training = self._training.state_dict()
        self._setup.require_between_steps(self._steps_done())
        return {
            "training": training,
            **self._setup.state_dict(),
            "random": random_streams(),
            "history": self.history.text(),
        }

    def gather_state_dicts(self) -> list[dict[str, Any]]:
        """Return the states of all ranks on rank 0, in rank order, and none on other ranks.

        All ranks call this together. It is for a framework whose first rank writes checkpoints.
        """
        where = "gathering the states of all ranks"
        mine = self.communicator.attempt(where, lambda: pack(self.state_dict()))
        return [unpack(each) for each in gather_on_first(self.communicator, where, mine)]

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load a state that `state_dict` returned on this rank, before the first round."""
        if self._training is not None:
            raise ClanError("a run goes on from a saved state before its first round, not later")
        RunState(self.run_state.seed).load_state_dict(state["training"]["run"])  # is it of this run
        self._setup.resume(state)
        self.run_state.load_state_dict(state["training"]["run"])
        self.history.restore(state["history"])

    def _look_back(self) -> None:
        """Resume from the latest checkpoint, if the run writes checkpoints and has one.

        Raises:
            ClanError: The history belongs to another run.
        """
        if self._saving is not None and self._setup.resumed is None:
            folder = self._saving.settings.folder
            found = self.communicator.together(
                "looking for a checkpoint", lambda: checkpoint.find_latest(folder) is not None
            )
            if any(found):
                self.resume(folder)
            elif is_restarted():
                self.history.begin_again()
        self.communicator.attempt("the history", self.history.require_own)

    def _save_after_round(self) -> None:
        """Save after a round, if the run writes checkpoints."""
        if self._saving is None or self._training is None:
            return
        if self._training.is_over:
            self._saving.finish(self._training)
        else:
            self._saving.after_round(self._training, self.state_dict)

    def _end_training(self) -> None:
        """End saving, and remove all hooks."""
        if self._training is None:
            return
        try:
            if self._saving is not None:
                self._saving.close(self._training)
        finally:
            self._training.close()

    def _require_open(self, what: str) -> None:
        if self._is_closed:
            raise ClanError(f"this clan is closed, so {what} comes too late: make another Clan")

    def _steps_done(self) -> int:
        return 0 if self._training is None else self._training.member.steps_done
