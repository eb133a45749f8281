"""Processes that may die: forked from one that has imported all, which takes a second, not six.

`forks.run(function, *arguments)` starts ranks, each of which calls a function of a test module as a
script would. It returns how each process ended, what it printed to its error stream, and when.
"""

import atexit
import gc
import importlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TextIO

import attrs

PATIENCE = 120.0
"""Seconds that a rank may take to end."""

at_last = []
"""Functions that a process calls when it ends, after all that modules have registered."""


@attrs.frozen
class Ended:
    """How a process ended.

    Attributes:
        status: Exit status; negative after a signal.
        printed: What it wrote to its error stream.
        seconds: Time from the start of all ranks to its end.
    """

    status: int
    printed: str = attrs.field(repr=False)
    seconds: float


@attrs.frozen
class Running:
    """Processes that were started.

    Attributes:
        pids: Their numbers, in the order of calls and ranks.
    """

    pids: list[list[int]]
    _answers: TextIO

    def ended(self):
        """Wait for their end; return how each rank of each call ended."""
        answer = json.loads(self._answers.readline())
        return [[Ended(*each) for each in ended] for ended in answer]


class Forks:
    """The process that others are forked from.

    It has imported the modules that its processes need, and those that it is told.
    """

    def __init__(self, *modules):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, __file__, *modules]
        self._process = subprocess.Popen(command, env=environment, **pipes)

    def run(self, function, *arguments, ranks=3, **environment):
        """Return how each rank ended, in rank order."""
        return self.run_at_once([(function, *arguments)], ranks=ranks, **environment)[0]

    def run_at_once(self, calls, *, ranks=3, together=False, **environment):
        """Return how each rank of each call ended. The calls run at the same time.

        If they end together, all ranks are killed when one is, as a launcher does it.
        """
        return self.start(calls, ranks=ranks, together=together, **environment).ended()

    def start(self, calls, *, ranks=3, together=False, **environment):
        """Return processes that run. They must have ended before others are started."""
        calls = [
            [function.__code__.co_filename, function.__name__, arguments]
            for function, *arguments in calls
        ]
        order = {"calls": calls, "ranks": ranks, "together": together}
        order["environment"] = environment
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Running(json.loads(self._process.stdout.readline()), self._process.stdout)

    def stop(self):
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._process.stdout.close()


def serve():
    """Fork ranks as orders say, until there are no more orders; return the job of a child."""
    atexit.register(lambda: [function() for function in at_last])
    import pytest  # noqa: F401
    import torch

    import clantune  # noqa: F401

    for module in sys.argv[1:]:
        importlib.import_module(module)
    torch.set_num_threads(1)
    gc.freeze()  # so that children do not copy the memory of what is imported
    for line in sys.stdin:
        order = json.loads(line)
        runs = []
        for call in order["calls"]:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = str(free.getsockname()[1])
            runs.append([Process() for _ in range(order["ranks"])])
            for rank, process in enumerate(runs[-1]):
                told = {"RANK": str(rank), "WORLD_SIZE": str(order["ranks"]), "MASTER_PORT": port}
                if process.is_child({"MASTER_ADDR": "127.0.0.1", **told, **order["environment"]}):
                    return call
        tell([[each.pid for each in run] for run in runs])
        wait(runs, together=order["together"])
        tell([[each.ended() for each in run] for run in runs])
    return None


def tell(answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


class Process:
    """A rank."""

    def __init__(self):
        self._file = tempfile.TemporaryFile("w+")  # noqa: SIM115  (`ended` closes it)
        self.pid = 0
        self.status = None

    def is_child(self, environment):
        """Fork; return whether this is the new process."""
        self._began, self.pid = time.monotonic(), os.fork()
        if self.pid:
            return False
        os.environ.update(environment)
        for stream in (1, 2):
            os.dup2(self._file.fileno(), stream)
        return True

    def look(self, *, kill):
        """Notice whether it has ended; kill it if it should not go on."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.status = os.waitstatus_to_exitcode(status)
            self._seconds = round(time.monotonic() - self._began, 2)
        elif kill:
            os.kill(self.pid, signal.SIGKILL)

    @property
    def is_stopped(self):
        """Whether a signal has stopped it."""
        return "State:\tT" in Path(f"/proc/{self.pid}/status").read_text()

    def ended(self):
        """Return its status, what it printed, and the seconds that it took."""
        self._file.seek(0)
        with self._file:
            return self.status, self._file.read(), self._seconds


def wait(runs, *, together):
    """Wait for the processes of runs. Those that are stopped are killed when all others ended."""
    began = looked = time.monotonic()
    is_late = False
    while any(process.status is None for run in runs for process in run):
        for run in runs:
            is_hit = together and any((process.status or 0) < 0 for process in run)
            for process in run:
                if process.status is None:
                    process.look(kill=is_late or is_hit)
        if time.monotonic() > looked + 1.0:
            looked = time.monotonic()
            left = [process for run in runs for process in run if process.status is None]
            is_late = looked - began > PATIENCE or all(process.is_stopped for process in left)
        time.sleep(0.05)


if __name__ == "__main__":
    job = serve()
    if job is not None:  # here, outside all functions, it is a script
        file, name, arguments = job
        sys.path.insert(0, str(Path(file).parent))
        spec = importlib.util.spec_from_file_location(Path(file).stem, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        getattr(module, name)(*arguments)
