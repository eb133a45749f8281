"""Signals to a process of a run: SIGTERM and Ctrl-C save and leave, SIGUSR1 says where the run is.

A signal that the program handles itself is left to the program.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

from torch.distributed import is_torchelastic_launched

from clantune_clan.communication.stop import Stop

Handler = Callable[[int, FrameType | None], None]


class Signals:
    """Handlers of signals, from the first round of a run to its end."""

    def __init__(self, stop: Stop, describe: Callable[[], Callable[[], str] | None]) -> None:
        """Handle signals, if this is the main thread.

        Args:
            stop: Request to stop, which a signal makes.
            describe: Reference to a function that returns a line about the place in the run.
        """
        self._stop, self._describe = stop, describe
        self._replaced: list[signal.Signals] = []
        self._shows_stack = False
        if threading.current_thread() is not threading.main_thread():
            return
        self._handle(signal.SIGTERM, self._on_stop, signal.SIG_DFL)
        if is_torchelastic_launched():  # a Ctrl-C in a notebook or a shell stops only a cell
            self._handle(signal.SIGINT, self._on_stop, signal.default_int_handler)
        if self._handle(signal.SIGUSR1, self._on_question, signal.SIG_DFL):
            # It also works while this process waits for others, which no Python code does.
            faulthandler.register(signal.SIGUSR1, 2, all_threads=False, chain=True)
            self._shows_stack = True

    def restore(self) -> None:
        """Give all signals back."""
        if self._shows_stack:
            faulthandler.unregister(signal.SIGUSR1)
        for number in self._replaced:
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, usual)
        self._replaced, self._shows_stack = [], False

    def _handle(self, number: signal.Signals, handler: Handler, usual: object) -> bool:
        if signal.getsignal(number) is not usual:
            return False
        signal.signal(number, handler)
        self._replaced.append(number)
        return True

    def _on_stop(self, number: int, _: FrameType | None) -> None:
        self._stop.signal = number
        for each in (signal.SIGTERM, signal.SIGINT):
            if each in self._replaced:
                signal.signal(each, signal.SIG_DFL)  # the second one ends this process at once
        name = signal.Signals(number).name
        self._say(f"{name}: the run stops after this step; a second signal ends it at once")

    def _on_question(self, *_: object) -> None:
        if (describe := self._describe()) is not None:
            self._say(describe())

    @staticmethod
    def _say(text: str) -> None:
        os.write(2, f"clantune: {text}\n".encode())  # a buffered stream may be in use right now
