"""What `auto` and `work` show while they run: a bar on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from clantune_store.command.printing import complain, number
from clantune_store.printable import shown

if TYPE_CHECKING:
    from clantune_store.runs.claims import Claim
    from clantune_store.runs.progress import Progress


class Display:
    """A bar on the stream of errors, or lines on it, so that the result is all of the output."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = _bar()
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Show how far a campaign is."""
        if progress.said:
            self._say(f"{progress.said}: {summary(progress)}")
        if progress.ended is not None:
            self.ended(*progress.ended)
        if self._bar is None:
            return
        done = progress.ok + progress.failed
        total = done + progress.left + progress.ahead
        if self._task is None:
            self._task = self._bar.add_task("", total=total, completed=done)
        best = "" if progress.best is None else f", best {number(progress.best.value)}"
        what = f"round {progress.round} of {progress.rounds}, failed {progress.failed}{best}"
        self._bar.update(self._task, total=total, completed=done, description=what)

    def ended(self, run: Claim, state: str) -> None:
        """Say that a run has not ended well."""
        if state != "ok":
            where = f" on {run.dataset!r}" if run.dataset else ""
            again = "waits again" if state == "queued" else f"has {state}"
            self._say(f"run {run.number} of group {run.group}{where} {again}")

    def _say(self, text: str) -> None:
        if self._bar is None:
            complain(text)
        else:
            self._bar.console.print(shown(text), markup=False, highlight=False)


def summary(progress: Progress) -> str:
    """Return the counts of runs, and the best value so far."""
    counts = f"{progress.ok} runs ok, {progress.failed} failed, {progress.left} left"
    best = progress.best
    if best is None:
        return counts
    return f"{counts}, best {number(best.value)} by group {best.group}"


def _bar() -> Any:
    from rich.console import Console  # noqa: PLC0415  (imported when drawn)
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True, highlight=False),
    )
