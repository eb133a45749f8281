"""Real processes in real process groups: forked once and kept, since importing torch takes seconds.

What the ranks do is a plain function in a test module: `ranks(4).run(function, *arguments)` calls
it on each rank and returns what each returned; `ranks(4).fail(function)` returns what each raised.
"""

import multiprocessing
import os
import pickle
import signal
import socket
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
    """Ranks, forked when a test first needs so many, and the store that they meet on.

    They come from two processes, the even ones from one and the odd ones from the other. So their
    hashes of strings differ, as those of ranks do that a launcher starts.
    """

    def __init__(self):
        self._number = 0
        self._sources = []
        self._ranks = []
        self._store = dist.TCPStore(
            "127.0.0.1", 0, is_master=True, wait_for_workers=False, timeout=timedelta(seconds=60)
        )

    def ask(self, count, backend, function, arguments):
        """Have so many ranks call a function; return their answers in rank order."""
        self._start(range(len(self._ranks), count))
        self._number += 1
        place = (function.__code__.co_filename, function.__name__)
        order = pickle.dumps((self._number, count, backend, *place, arguments))
        for rank in self._ranks[:count]:
            rank.send_bytes(order)
        return [self._answer(rank) for rank in range(count)]

    def stop(self):
        for rank in self._ranks:
            rank.close()
        for source in self._sources:
            source.stop()
        self._ranks, self._sources = [], []

    def _start(self, ranks):
        if ranks and not self._sources:
            self._sources = [Source(self._store.port) for _ in range(2)]
        for rank in ranks:
            self._ranks.append(self._sources[rank % 2].fork(rank))
        for rank in ranks:
            self._answer(rank)  # it is ready: nobody waits for it in a process group

    def _answer(self, rank):
        if not self._ranks[rank].poll(PATIENCE):
            self.stop()
            pytest.fail(f"rank {rank} has not answered within {PATIENCE} s")
        return pickle.loads(self._ranks[rank].recv_bytes())


class Source:
    """A process that has imported everything, and that forks ranks."""

    def __init__(self, port):
        self._orders, orders = socket.socketpair(type=socket.SOCK_SEQPACKET)
        command = [sys.executable, Path(__file__).with_name("_rank.py"), str(port)]
        with orders:
            self._process = subprocess.Popen(command, stdin=orders, start_new_session=True)

    def fork(self, rank):
        """Return a connection to a new rank."""
        connection, of_rank = multiprocessing.Pipe()
        with of_rank:
            socket.send_fds(self._orders, [str(rank).encode()], [of_rank.fileno()])
        return connection

    def stop(self):
        """End it, which waits for its ranks, whose connections are closed."""
        self._orders.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


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
