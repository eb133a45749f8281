"""Automatic saving: a run writes checkpoints after its rounds, and its best weights."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from clantune_clan.checkpoint import Checkpoints, prune
from clantune_clan.checkpoint.background import BackgroundWrite
from clantune_clan.checkpoint.best import write_best
from clantune_clan.checkpoint.part import Part
from clantune_clan.checkpoint.writing import Unfinished
from clantune_clan.communication import Communication
from clantune_clan.run.training import Training


class Saving:
    """Saves a run. All ranks call the same methods in the same order.

    The best weights are written before the checkpoint that knows of them gets its name, so the file
    is never behind the latest checkpoint.

    Attributes:
        settings: Settings of the checkpoints.
    """

    def __init__(self, settings: Checkpoints, communicator: Communication) -> None:
        """Prepare for saving.

        Args:
            settings: Settings of the checkpoints.
            communicator: Channel to the other ranks.
        """
        self.settings = settings
        self._communicator = communicator
        self._write: BackgroundWrite | None = None  # of a checkpoint that is not complete
        self._snapshot: Part | None = None  # whose memory the next snapshot uses
        self._best = -1  # round of the best weights in their file
        self._next_best = -1  # round of those that are being written

    @classmethod
    def of(cls, given: str | Path | Checkpoints | None, communicator: Communication) -> Self | None:
        """Return what an argument asks for, or None."""
        settings = Checkpoints.of(given)
        return None if settings is None else cls(settings, communicator)

    def after_round(self, training: Training, capture: Callable[[], Mapping[str, Any]]) -> None:
        """Save if it is due; complete a checkpoint that has been written in the background.

        Args:
            training: The run.
            capture: Function that returns the state of this rank.
        """
        is_due = training.run.round % self.settings.every == 0
        if self._write is not None and (is_due or self._write.is_written()):
            self.complete()
        if is_due:
            self._begin(training, capture)
            if not self.settings.background:
                self.complete()

    def complete(self) -> None:
        """Complete the checkpoint that is written in the background, if there is one.

        Raises:
            CheckpointError: Writing failed on a rank.
        """
        if self._write is None:
            return
        write, self._write = self._write, None
        write.complete()
        self._best = self._next_best
        if self._communicator.rank == 0:
            prune(self.settings.folder, self.settings.keep)

    def finish(self, training: Training) -> None:
        """Complete what is not complete, and write the best weights if they are new."""
        self.complete()
        if self._is_new(training):
            self._communicator.attempt(
                "writing the best weights", lambda: self._write_best(self._best_entries(training))
            )
            self._best = training.run.best.round

    def close(self, training: Training) -> None:
        """End saving: after an error, without the other ranks and without a trace."""
        if sys.exception() is None:
            self.finish(training)
        elif self._write is not None:
            self._write.abandon()
            self._write = None

    def _begin(self, training: Training, capture: Callable[[], Mapping[str, Any]]) -> None:
        rank, is_new = self._communicator.rank, self._is_new(training)

        def prepare() -> Callable[[Path], Mapping[str, str]]:
            part = Part.of(capture())
            best = self._best_entries(training) if is_new else None
            if self.settings.background:
                part = self._snapshot = part.snapshot(self._snapshot)

            def write(folder: Path) -> Mapping[str, str]:
                self._write_best(best)
                return part.write(folder, rank)

            return write

        write = self._communicator.attempt("preparing a checkpoint", prepare)
        run, folder = training.run, self.settings.folder
        begun = Unfinished.begin(folder, self._communicator, round_=run.round, step=run.step)
        self._write, self._next_best = BackgroundWrite(begun, write), run.best.round

    def _is_new(self, training: Training) -> bool:
        return self.settings.keep_best and training.run.best.round != self._best

    def _best_entries(self, training: Training) -> Mapping[str, Any] | None:
        return training.run.best.to_write(training.state, self._communicator)

    def _write_best(self, entries: Mapping[str, Any] | None) -> None:
        if entries is not None:
            write_best(self.settings.folder, entries)
