"""Real processes in real process groups: started once for each number of ranks, then kept.

What the ranks do is a plain function in a test module: `ranks(4).run(function, *arguments)` calls
it on each rank and returns what each returned; `ranks(4).fail(function)` returns what each raised.
"""

import pickle
import select
import subprocess
import sys
from datetime import timedelta
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


class Ranks:
    """A number of processes, and the store that they meet on, as a launcher would host it."""

    def __init__(self, count):
        self.count = count
        self._number = 0
        self._start()

    def _start(self):
        self._store = dist.TCPStore(
            "127.0.0.1", 0, is_master=True, wait_for_workers=False, timeout=timedelta(seconds=60)
        )
        script = Path(__file__).with_name("_rank.py")
        self._processes = [
            subprocess.Popen(
                [sys.executable, script, str(rank), str(self.count), str(self._store.port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for rank in range(self.count)
        ]

    def ask(self, function, *arguments):
        """Have every rank call a function; return their answers in rank order."""
        self._number += 1
        order = (self._number, function.__code__.co_filename, function.__name__, arguments)
        for process in self._processes:
            pickle.dump(order, process.stdin)
            process.stdin.flush()
        answers = []
        for rank, process in enumerate(self._processes):
            if not select.select([process.stdout], [], [], PATIENCE)[0]:
                self.stop()
                self._start()
                pytest.fail(f"rank {rank} has not answered within {PATIENCE} s")
            answers.append(pickle.load(process.stdout))
        return answers

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


def _kept():
    """Return a function that starts processes by their number and keeps them, and what it keeps."""
    kept = {}

    def start(count):
        if count not in kept:
            kept[count] = Ranks(count)
        return kept[count]

    return start, kept


@pytest.fixture(scope="session")
def ranks():
    """Processes by their number, the same for all tests."""
    start, kept = _kept()
    yield start
    for started in kept.values():
        started.stop()


@pytest.fixture(scope="module")
def other_ranks():
    """Processes by their number that have done nothing before this module."""
    start, kept = _kept()
    yield start
    for started in kept.values():
        started.stop()
