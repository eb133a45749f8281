"""Real processes in real process groups: started once and kept, since starting one takes seconds.

What the ranks do is a plain function in a test module: `ranks(4).run(function, *arguments)` calls
it on each rank and returns what each returned; `ranks(4).fail(function)` returns what each raised.
"""

import pickle
import select
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

import attrs
import pytest
import torch.distributed as dist

PATIENCE = 240.0
"""Seconds that a rank may take for an answer."""


@attrs.frozen
class Raised:
    """What a rank raised."""

    kind: str
    message: str
    notes: list[str]
    traceback: str = attrs.field(repr=False)


class Pool:
    """Processes, started when a test first needs so many, and the store that they meet on."""

    def __init__(self):
        self._number = 0
        self._processes = []
        self._store = dist.TCPStore(
            "127.0.0.1", 0, is_master=True, wait_for_workers=False, timeout=timedelta(seconds=60)
        )

    def ask(self, count, backend, function, arguments):
        """Have so many ranks call a function; return their answers in rank order."""
        self._start(range(len(self._processes), count))
        self._number += 1
        place = (function.__code__.co_filename, function.__name__)
        for process in self._processes[:count]:
            pickle.dump((self._number, count, backend, *place, arguments), process.stdin)
            process.stdin.flush()
        return [self._answer(rank) for rank in range(count)]

    def stop(self):
        for process in self._processes:
            process.stdin.close()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
        self._processes = []

    def _start(self, ranks):
        script = Path(__file__).with_name("_rank.py")
        for rank in ranks:
            command = [sys.executable, script, str(rank), str(self._store.port)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._processes.append(subprocess.Popen(command, **pipes))
        for rank in ranks:
            self._answer(rank)  # it is ready: nobody waits for it in a process group

    def _answer(self, rank):
        answers = self._processes[rank].stdout
        if not select.select([answers], [], [], PATIENCE)[0]:
            self.stop()
            pytest.fail(f"rank {rank} has not answered within {PATIENCE} s")
        return pickle.load(answers)


@attrs.frozen
class Ranks:
    """The first processes of a pool: the ranks of a process group for each function."""

    pool: Pool
    count: int
    backend: str = "gloo"

    def ask(self, function, *arguments):
        """Have every rank call a function; return their answers in rank order."""
        return self.pool.ask(self.count, self.backend, function, arguments)

    def run(self, function, *arguments):
        """Return what the function returned, in rank order."""
        answers = self.ask(function, *arguments)
        for rank, answer in enumerate(answers):
            if answer[0] == "raised":
                pytest.fail(f"rank {rank} of {self.count}:\n{answer[-1]}")
        return [answer[1] for answer in answers]

    def fail(self, function, *arguments):
        """Return what the function raised, in rank order; it must raise on every rank."""
        answers = self.ask(function, *arguments)
        for rank, answer in enumerate(answers):
            if answer[0] != "raised":
                pytest.fail(f"rank {rank} of {self.count} raised nothing: it returned {answer[1]}")
        return [Raised(*answer[1:]) for answer in answers]


def ranks_of_a_pool():
    """Yield a function that returns ranks by their number; stop their processes afterwards."""
    pool = Pool()
    yield partial(Ranks, pool)
    pool.stop()
