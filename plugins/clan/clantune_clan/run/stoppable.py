"""Stopping a run on a signal, so that another process can resume it."""

from __future__ import annotations

import signal
import weakref
from typing import NoReturn

from clantune_clan.checkpoint import folder_of
from clantune_clan.run.console import LOGGER
from clantune_clan.run.refreshable import Refreshable
from clantune_clan.run.signals import Signals


class Stoppable(Refreshable):
    """Methods of a clan that a signal to any rank stops. All ranks stop together."""

    _signals: Signals | None = None

    def close(self) -> None:
        """End the run on this rank."""
        raise NotImplementedError

    def _handle_signals(self) -> None:
        """Handle signals, from the first round to the end of the run."""
        # Handlers outlive a clan that is not closed, and must not keep it.
        leave, place = weakref.WeakMethod(self._leave), weakref.WeakMethod(self._place)
        self.communicator.stop.leave = leave
        self._signals = Signals(self.communicator.stop, place)
        weakref.finalize(self, self._signals.restore)

    def _restore_signals(self) -> None:
        if self._signals is not None:
            self._signals.restore()
        stop = self.communicator.stop
        if stop.signal and not stop.is_agreed:
            LOGGER.warning(
                "rank %d: %s came in the last turnover, and the run is over; another one ends the "
                "program",
                self.communicator.rank,
                signal.Signals(stop.signal).name,
            )

    def _leave(self) -> NoReturn:
        """Save if the run writes checkpoints, close the clan, and end the process."""
        number, rank = self.communicator.stop.signal, self.communicator.rank
        name, step = signal.Signals(number).name, self._steps_done()
        LOGGER.warning(
            "rank %d: %s has stopped the run after step %d; %s", rank, name, step, self._saved()
        )
        self.close()
        raise SystemExit(128 + number)  # as a shell says that a signal has ended a process

    def _saved(self) -> str:
        """Save, and return a description of it."""
        if self._saving is None:
            return "nothing is saved, since the clan has no checkpoints="
        run_folder, round_ = self._saving.settings.folder, self.run_state.round
        # If the run was resumed here and has made no step since, the checkpoint exists already.
        step = self.communicator.gather("stopping", self._steps_done())[0]
        folder = folder_of(run_folder, step, round_)
        if not any(self.communicator.together("looking for a checkpoint", folder.exists)):
            self.save(run_folder)
        return f"the run goes on from {folder}"

    def _place(self) -> str:
        """Return a line about the place in the run."""
        run, settings, training = self.run_state, self._setup.settings, self._training
        mode = "" if training is None or not run.is_in_round else f", {training.member.mode}"
        total = "" if settings.total_steps is None else f" of {settings.total_steps}"
        best = f"{settings.sign * run.best.fitness:.4g} in round {run.best.round}"
        return (
            f"rank {self.communicator.rank}: round {run.round}, step {self._steps_done()}{total}"
            f"{mode}; best result so far: {best if run.best.exists else 'none'}"
        )
