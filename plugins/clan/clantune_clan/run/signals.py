"""Signals to a process of a run: SIGTERM and Ctrl-C save and leave, SIGUSR1 says where the run is.

A signal that the program handles itself is left to the program.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from torch.distributed import is_torchelastic_launched

from clantune_clan.communication.stop import Stop

Handler = Callable[[int, FrameType | None], None]

_USUAL: dict[signal.Signals, Handler | signal.Handlers] = {
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
    signal.SIGUSR1: signal.SIG_DFL,
}

TWICE = 2.0
"""Seconds in which a second signal is the first one again: a scheduler and a launcher send both."""


class Signals:
    """Handlers of signals, from the first round of a run to its end."""

    def __init__(self, stop: Stop, describe: Callable[[], Callable[[], str] | None]) -> None:
        """Handle signals, if this is the main thread.

        Args:
            stop: Request to stop, which a signal makes.
            describe: Reference to a function that returns a line about the place in the run.
        """
        self._stop, self._describe = stop, describe
        self._replaced: dict[signal.Signals, Handler] = {}
        self._shows_stack = False
        self._stopped_at = 0.0
        if threading.current_thread() is not threading.main_thread():
            return
        self._handle(signal.SIGTERM, self._on_stop)
        if is_torchelastic_launched():  # a Ctrl-C in a notebook or a shell stops only a cell
            self._handle(signal.SIGINT, self._on_stop)
        if self._handle(signal.SIGUSR1, self._on_question):
            # It also works inside a function that is not Python code and does not return.
            faulthandler.register(signal.SIGUSR1, 2, all_threads=False, chain=True)
            self._shows_stack = True

    def restore(self) -> None:
        """Give all signals back, except for those that the program handles itself by now."""
        if threading.current_thread() is not threading.main_thread():
            return  # a finalizer may run in any thread, and only the main thread may do this
        if self._shows_stack:
            faulthandler.unregister(signal.SIGUSR1)
        for number, handler in self._replaced.items():
            if signal.getsignal(number) == handler:
                signal.signal(number, _USUAL[number])
        self._replaced, self._shows_stack = {}, False

    def _handle(self, number: signal.Signals, handler: Handler) -> bool:
        if signal.getsignal(number) is not _USUAL[number]:
            return False
        signal.signal(number, handler)
        self._replaced[number] = handler
        return True

    def _on_stop(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if not self._stop.signal:
            self._stop.signal, self._stopped_at = number, now
        elif now > self._stopped_at + TWICE:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def _on_question(self, *_: object) -> None:
        if (describe := self._describe()) is not None:
            # A buffered stream may be in use right now.
            os.write(2, f"clantune: {describe()}\n".encode())
