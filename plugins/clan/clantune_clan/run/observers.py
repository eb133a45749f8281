"""Observers: objects that the clan calls on rank 0 during a run."""

from __future__ import annotations

import difflib
import inspect
import sys
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.member.individual import Individual
from clantune_clan.records.events import RunStart
from clantune_clan.records.history import History
from clantune_clan.records.record import RoundRecord
from clantune_clan.run.console import ProgressBar, RoundLog, require_tqdm, show_log

EVENTS = ("on_run_start", "on_round_start", "on_phase", "on_step", "on_round_end", "on_close")
"""The methods that an observer may have."""

_NOBODY: Callable[[Exception], None] = lambda _: None  # noqa: E731


class Observers:
    """Calls observers in the order in which they are listed.

    An observer is a function of the records of a round, or an object with any of
    `on_run_start(start)`, `on_round_start(member)`, `on_phase(member)`, `on_step(member)`,
    `on_round_end(records)`, and `on_close()`.
    """

    def __init__(
        self, observers: Iterable[Any], announce: Callable[[Exception], None] = _NOBODY
    ) -> None:
        """Find the methods of observers.

        Args:
            observers: Functions and objects to call.
            announce: Function that sends an observer's exception to the other ranks.
        """
        listed = [*observers]
        self._announce = announce
        self._calls = {
            event: [call for each in listed if (call := _method(each, event)) is not None]
            for event in EVENTS
        }
        # If the user does not close the run, it ends with the clan object or the process.
        self._end = weakref.finalize(self, _call_all, self._calls["on_close"])

    def run_start(self, start: RunStart) -> None:
        """Call the observers of the start of the run, or of its resumption."""
        self._call("on_run_start", start)

    def round_start(self, member: Individual) -> None:
        """Call the observers of the start of a round."""
        self._call("on_round_start", member)

    def phase(self, member: Individual) -> None:
        """Call the observers of the start of a phase."""
        self._call("on_phase", member)

    def step(self, member: Individual) -> None:
        """Call the observers of a step, after it."""
        self._call("on_step", member)

    def round_end(self, records: Sequence[RoundRecord]) -> None:
        """Call the observers of the end of a round."""
        self._call("on_round_end", records)

    def close(self) -> None:
        """Call the observers of the end of the run."""
        if self._end.detach():
            self._call("on_close")

    def _call(self, event: str, *arguments: Any) -> None:
        for call in self._calls[event]:
            try:
                call(*arguments)
            except Exception as error:
                error.add_note(f"in {event} of an observer of the clan, {call!r}")
                self._announce(error)
                raise


def _call_all(calls: Iterable[Callable[[], None]]) -> None:
    for call in calls:
        call()


def _method(observer: Any, event: str) -> Callable[..., Any] | None:
    method: Callable[..., Any] | None = getattr(observer, event, None)
    if method is None and event == "on_round_end" and callable(observer):
        method = observer
    return method


def _checked(observers: Iterable[Any]) -> tuple[Any, ...]:
    """Return observers.

    Raises:
        ClanError: An observer is a class, or has none of the methods of an observer.
    """
    if not isinstance(observers, Iterable):
        raise ClanError(f"observers is a list of observers: observers=[{observers!r}]")
    listed = tuple(observers)
    for observer in listed:
        named = [name for name in dir(observer) if name.startswith("on_")]
        is_known = callable(observer) or any(name in EVENTS for name in named)
        near = [
            n for n in named if n not in EVENTS and difflib.get_close_matches(n, EVENTS, 1, 0.8)
        ]
        if inspect.isclass(observer) or not is_known or near:
            has = f", which has {', '.join(named)}" if named else ""
            raise ClanError(
                f"an observer is a function of the records of a round, or an object with any of "
                f"{', '.join(EVENTS)}; got {observer!r}{has}"
            )
    return listed


@attrs.frozen(kw_only=True)
class Reporting:
    """The reports of a run during training, and the observers that receive them.

    Attributes:
        observers: Observers that the user gave.
        verbose: Whether rank 0 logs a line per round; None: only if the error stream is a terminal.
        progress: Whether rank 0 shows a progress bar.
    """

    observers: tuple[Any, ...] = attrs.field(converter=_checked)
    verbose: bool | None
    progress: bool

    def __attrs_post_init__(self) -> None:
        if self.progress:
            require_tqdm()  # on all ranks: if only one rank failed, the others would wait for it

    def start(self, history: History, start: RunStart, communicator: Communication) -> Observers:
        """Return the observers of a run that begins, the history first; only rank 0 has any."""
        if communicator.rank > 0:
            return Observers(())
        if self.verbose or (self.verbose is None and sys.stderr.isatty()):
            show_log()
        bars = [ProgressBar(start.total_steps)] if self.progress else []
        listed = [history, RoundLog(start), *bars, *self.observers]
        observers = Observers(listed, communicator.announce)
        observers.run_start(start)
        return observers
