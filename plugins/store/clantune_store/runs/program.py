"""One run of a command in processes of its own: its variables, its log, its time, and its end."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import attrs

from clantune_store.database import Database
from clantune_store.database.text import require_text
from clantune_store.environment import SPELLINGS
from clantune_store.errors import StoreError
from clantune_store.runs import gate
from clantune_store.runs.claims import Claim, begin
from clantune_store.runs.ending import end
from clantune_store.runs.machine import process

GATE = (sys.executable, "-I", "-S", gate.__file__)
"""What starts a program; without the modules of the user it takes a hundredth of a second."""

GRACE = 5.0
"""Seconds that programs have to end by themselves after they were asked to."""

NOT_STARTED = 127
"""Exit status of the gate, and of a shell, for a command that cannot be started."""

LOG = 20_000
"""Bytes of a log that the note of a failed run has, from its end."""


class CommandError(StoreError, ValueError):
    """A command that is empty, or that cannot be read."""


def parts_of(command: str, dataset: str) -> list[str]:
    """Return the arguments of a command. No shell reads them, so any name of a data set is safe.

    Args:
        command: Command, with quotes as in a shell; `{}` stands for the data set.
        dataset: Name of the data set.

    Raises:
        CommandError: It is empty, a quote is not closed, or a database cannot hold it.
    """
    require_text(command, "the command", CommandError)
    try:
        parts = shlex.split(command)
    except ValueError as error:
        raise CommandError(f"the command {command!r} cannot be read: {error}") from None
    if not parts or not parts[0]:
        raise CommandError("the command is empty: give one, such as 'python train.py {}'")
    return [part.replace("{}", dataset) for part in parts]


def variables(database: Database, group: int, dataset: str, family: str) -> dict[str, str]:
    """Return the variables that name a database, a group and the data of a run."""
    return {
        "CLANTUNE_DB": database.address.full,
        "CLANTUNE_GROUP": str(group),
        "CLANTUNE_DATA": dataset,
        "CLANTUNE_FAMILY": family,
    }


@attrs.define(eq=False)
class Programs:
    """Runs commands, from several threads.

    Attributes:
        database: Database of the runs.
        worker: Mark of the worker that claims them.
        logs: Folder for what the commands print, a file for each run.
    """

    database: Database
    worker: str
    logs: Path
    _running: dict[int, subprocess.Popen[bytes]] = attrs.field(factory=dict, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _is_stopped: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        if os.name != "posix":
            raise StoreError(
                "commands can be run on Linux and macOS only; `clantune store template-run` prints "
                "them"
            )
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the folder {self.logs} for logs cannot be made: {error.strerror}; name another "
                "one with --logs"
            ) from error

    def run(self, claimed: Claim) -> None:
        """Run a command to its end. A run that has not reported has failed."""
        file = self.log_of(claimed)
        how = self._run(claimed, file)
        if how is None or self._is_stopped:
            return
        tail = _tail(file)
        last = tail.strip().rpartition("\n")[2]
        note = {"error": f"{how}: {last}" if last else how, "log": tail, "file": str(file)}
        end(self.database, claimed.begun, "failed", note=note, only=claimed.is_mine)

    def log_of(self, claimed: Claim) -> Path:
        """Return the file with what a run prints."""
        again = f"-{claimed.attempt}" if claimed.attempt > 1 else ""
        return self.logs / f"run-{claimed.number}{again}.log"

    def stop(self) -> None:
        """End all programs, and begin no further ones."""
        with self._lock:
            self._is_stopped = True
            running = [*self._running.values()]
        end_all(running)

    def _run(self, claimed: Claim, file: Path) -> str | None:
        """Return how a program has ended; None if it has not begun."""
        try:
            parts = parts_of(claimed.command, claimed.dataset)
            with file.open("wb") as log:
                program = self._start(claimed, parts, log)
        except (OSError, CommandError) as error:
            return f"the command cannot be started: {error}"
        if program is None or not self._let_go(claimed, program):
            return None
        try:
            status = program.wait(claimed.timeout)
        except subprocess.TimeoutExpired:
            end_all([program])
            return f"timed out after {claimed.timeout:g} s, and was ended"
        finally:
            self._running.pop(claimed.number, None)
        return _told(status)

    def _start(
        self, claimed: Claim, parts: Sequence[str], log: IO[bytes]
    ) -> subprocess.Popen[bytes] | None:
        environment = {
            **{name: value for name, value in os.environ.items() if name not in NAMES},
            **variables(self.database, claimed.group, claimed.dataset, claimed.family),
            "CLANTUNE_RUN": str(claimed.number),
        }
        with self._lock:
            if self._is_stopped:
                return None
            program = subprocess.Popen(  # noqa: S603  (the user's own command, and no shell reads it)
                [*GATE, *parts],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that all of its processes can be ended, and only they
            )
            self._running[claimed.number] = program
        return program

    def _let_go(self, claimed: Claim, program: subprocess.Popen[bytes]) -> bool:
        """Write which process a run is, and open its gate if the run is still ours."""
        pipe = program.stdin
        assert pipe is not None  # noqa: S101  (it is one)
        with contextlib.suppress(BrokenPipeError), pipe:  # it may have been killed meanwhile
            mine = begin(self.database, claimed, self.worker, process(program.pid))
            if mine:
                pipe.write(b"g")
        if not mine:
            program.wait()
            self._running.pop(claimed.number, None)
        return mine


NAMES = {name for names in SPELLINGS.values() for name in names}


def _told(status: int) -> str:
    """Return in words how a program has ended that has not reported."""
    if status == NOT_STARTED:
        return f"the command cannot be started, exit status {status}"
    if status >= 0:
        return f"exit status {status} without a report"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"killed by {name}"


def _tail(file: Path) -> str:
    try:
        with file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG))
            return log.read().decode("utf-8", "replace")
    except OSError:  # it is said in the note that there is none
        return ""


def end_all(programs: Sequence[subprocess.Popen[bytes]]) -> None:
    """End programs and what they have started: first by asking, all at the same time."""
    for program in programs:
        _signal(program, signal.SIGTERM)
    until = time.monotonic() + GRACE
    try:
        for program in programs:
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(max(0.0, until - time.monotonic()))
    finally:  # also if Ctrl-C is pressed once more
        for program in programs:
            _signal(program, signal.SIGKILL)
            program.wait()


def _signal(program: subprocess.Popen[bytes], number: int) -> None:
    # macOS refuses to signal a process that has ended and that nobody has waited for.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, number)
