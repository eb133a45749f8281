"""What `run` and `resume` share: breeding to a generation, and telling how it goes."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import sys
import time
from collections.abc import Iterator
from typing import Any

import attrs

from clantune_neuro.executors.choose import executor_of
from clantune_neuro.executors.interface import Executor
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.run.generation import Generation
from clantune_neuro.tasks.base import Task

_EVERY = 0.5
"""Seconds between two lines of progress."""


@attrs.define
class ProgressLine:
    """Tells on the stream of errors how a run goes: in one line on a terminal, else in many.

    Attributes:
        total: Number of the last generation.
    """

    total: int
    _begun: float = attrs.field(factory=time.monotonic)
    _told: float = 0.0

    def __call__(self, done: Generation) -> None:
        """Tell what a generation came to, if it is time to."""
        now = time.monotonic()
        terminal = sys.stderr.isatty()
        if now - self._told < (_EVERY if terminal else 60 * _EVERY) and done.number < self.total:
            return
        self._told = now
        text = f"{line(done)}  {now - self._begun:.0f} s"
        sys.stderr.write(f"\r\x1b[K{text}" if terminal else f"{text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line of the terminal."""
        if self._told and sys.stderr.isatty():
            sys.stderr.write("\n")


def line(done: Generation) -> str:
    """Return what a generation came to in one line."""
    best, median = ("-" if each is None else f"{each:.6g}" for each in (done.best, done.median))
    dead = f"  {done.dead} dead" if done.dead else ""
    return (
        f"generation {done.number}  best {best}  median {median}  "
        f"{done.evaluations:,} evaluations{dead}"
    )


def go_on(run: Evolve, task: Task, arguments: argparse.Namespace, out: str | None) -> int:
    """Breed until a generation has been evaluated, print the result, and return 0.

    Args:
        run: The run.
        task: Its task. What it holds out is scored at the end.
        arguments: The last generation, and whether to print JSON.
        out: The directory of the run, for the result.
    """
    progress = ProgressLine(arguments.generations)
    best = run.until(arguments.generations, report=progress if run.writes else None)
    progress.end()
    held_out = task.held_out()
    found: dict[str, Any] = {
        "generation": run.generation,
        "improvement" if run.settings.improvement else "score": _number(best.score),
        "held out": held_out and _number(run.score(best.lineage, task=held_out).base),
        "evaluations": run.evaluations,
        "frames": run.progress.frames or None,
        "genes": best.lineage.num_genes,
        "lineage": str(best.lineage),
        "member": str(best.genome.uuid),
        "directory": out,
    }
    print(json.dumps(found, allow_nan=False) if arguments.json else _as_text(found))
    if math.isnan(best.score):
        print(f"all {len(run.population)} members are dead; the log says why", file=sys.stderr)
    return 0


def _number(value: float) -> float | None:
    """Return a number as JSON knows it; None for one that is not finite."""
    return value if math.isfinite(value) else None


@contextlib.contextmanager
def executor_for(workers: str) -> Iterator[Executor]:
    """Yield the executor that a text names. Ranks that do not write print errors alone."""
    with contextlib.closing(executor_of(workers)) as executor:
        if executor.writes:
            yield executor
            return
        with contextlib.redirect_stdout(io.StringIO()):
            yield executor


def _as_text(found: dict[str, Any]) -> str:
    rows = {name: value for name, value in found.items() if name != "lineage" and value is not None}
    width = max(map(len, rows))
    return "\n".join(f"{name:{width}}  {value}" for name, value in rows.items())
