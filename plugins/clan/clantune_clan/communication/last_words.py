"""The last words of a process that ends while its channels are open: why it leaves."""

from __future__ import annotations

import atexit
import contextlib
import sys
from collections.abc import Callable
from types import TracebackType

from clantune_clan.communication.failure import Failure
from clantune_clan.errors import CommunicationError

Announce = Callable[[Failure], None]
ExceptHook = Callable[[type[BaseException], BaseException, TracebackType | None], object]

_open: list[Announce] = []
_usual: ExceptHook = sys.excepthook


def open_for(announce: Announce) -> None:
    """Call a function if this process ends, until `close_for` is called for it."""
    global _usual
    if not _open:
        _usual, sys.excepthook = sys.excepthook, _on_exception
        # Python calls it before the finalizers of channels, which were registered earlier.
        atexit.register(_on_exit)
    _open.append(announce)


def close_for(announce: Announce) -> None:
    """Do not call the function any more."""
    if announce in _open:
        _open.remove(announce)
    if not _open:
        atexit.unregister(_on_exit)
        if sys.excepthook is _on_exception:
            sys.excepthook = _usual


def _on_exception(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    _say(Failure.of(error))
    _usual(kind, error, traceback)


def _on_exit() -> None:
    _say(Failure("builtins", "SystemExit", "its process ended before the clan was closed", ()))


def _say(failure: Failure) -> None:
    for announce in [*_open]:
        with contextlib.suppress(CommunicationError):  # the store is gone, so nobody can hear it
            announce(failure)
