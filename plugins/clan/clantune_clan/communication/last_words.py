"""The last words of a process that ends while its channels are open: why it leaves."""

from __future__ import annotations

import atexit
import contextlib
import functools
import sys
from collections.abc import Callable
from types import TracebackType

from clantune_clan.communication.failure import Failure
from clantune_clan.errors import CommunicationError

Announce = Callable[[Failure], None]
ExceptHook = Callable[[type[BaseException], BaseException, TracebackType | None], object]

_open: list[Announce] = []


def open_for(announce: Announce) -> None:
    """Call a function if this process ends, until `close_for` is called for it."""
    _install()
    # Python calls the last registered function first: this one before the finalizers of channels.
    atexit.unregister(_on_exit)
    atexit.register(_on_exit)
    _open.append(announce)


def close_for(announce: Announce) -> None:
    """Do not call the function any more."""
    if announce in _open:
        _open.remove(announce)


@functools.cache
def _install() -> None:
    """Put a hook around the one that shows exceptions. It stays: others may stand around it."""
    usual: ExceptHook = sys.excepthook

    def on_exception(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        _say(Failure.of(error))
        usual(kind, error, traceback)

    sys.excepthook = on_exception


def _on_exit() -> None:
    # If a signal handler raises at the beginning of the hook, the hook has said nothing. Python
    # keeps the exception that it has passed to the hook.
    error: BaseException | None = getattr(sys, "last_value", None)
    if error is not None:
        _say(Failure.of(error))
    else:
        _say(Failure("builtins", "SystemExit", "its process ended before the clan was closed", ()))


def _say(failure: Failure) -> None:
    for announce in [*_open]:
        with contextlib.suppress(CommunicationError):  # the store is gone, so nobody can hear it
            announce(failure)
