"""Chunks on workers of any executor of `concurrent.futures`: processes, Dask, MPI."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, runtime_checkable

from clantune_neuro.errors import NeuroError
from clantune_neuro.evaluation.outcomes import Chunk, Outcomes
from clantune_neuro.evaluation.workplace import Workplace
from clantune_neuro.executors.delivery import Delivery
from clantune_neuro.executors.parcel import Parcel
from clantune_neuro.executors.worker import Answer, score


@runtime_checkable
class Submits(Protocol):
    """What carries functions out, as the executors of `concurrent.futures` do."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Return a future, which `concurrent.futures.wait` takes."""


class Futures:
    """Scores chunks on the workers of an executor.

    A worker is sent the task and the network when its process does not know them yet; after that
    only lineages travel. A chunk that is lost with its worker is sent again, twice at most.
    """

    writes = True

    def __init__(
        self, executor: Submits | None = None, *, make: Callable[[], Submits] | None = None
    ) -> None:
        """Take an executor, or a function that makes one.

        Args:
            executor: An executor, such as `ProcessPoolExecutor(4)` or `client.get_executor()` of
                Dask. It stays open, and its owner shuts it down.
            make: Returns an executor. It is called at the first chunk, and again when the executor
                breaks. `close` shuts down what it returned.

        Raises:
            NeuroError: Both or neither are given, or the workers of the executor are threads.
        """
        if (executor is None) == (make is None):
            raise NeuroError("pass an executor, or make=FUNCTION, which returns one")
        if isinstance(executor, ThreadPoolExecutor):
            raise NeuroError(
                "the workers of a ThreadPoolExecutor share one process and would score one after "
                "the other; pass Futures.pool(4), or None to score in this process"
            )
        self._executor = executor
        self._make = make
        self._parcel: Parcel | None = None

    @classmethod
    def pool(cls, workers: int) -> Futures:
        """Return workers in processes of this machine, started at the first chunk by spawn.

        A pool that breaks is made anew. Its processes end with this one, also if it is killed.

        Args:
            workers: Number of processes.

        Raises:
            NeuroError: There is no worker.
        """
        if workers < 1:
            raise NeuroError(f"a pool of {workers} workers is empty; take 1 or more")
        return cls(make=partial(_spawned, workers))

    def map(self, workplace: Workplace, chunks: Sequence[Chunk]) -> list[Outcomes]:
        """Return what becomes of each chunk, in order.

        Args:
            workplace: What scores them.
            chunks: The chunks.

        Raises:
            FailedError: The task raised an error. A note holds the traceback of the worker.
            NeuroError: A chunk was lost three times, the executor takes no chunks, or the
                workplace cannot be sent.
        """
        if not chunks:
            return []
        if self._parcel is None or self._parcel.workplace is not workplace:
            self._parcel = Parcel.of(workplace)
        return Delivery(self._parcel, chunks, self._submit).outcomes()

    def close(self) -> None:
        """Shut down the executor that this object made, if any."""
        executor, self._parcel = self._executor, None
        if self._make is not None:
            self._executor = None
            _shut_down(executor, wait=True)

    def _submit(self, key: str, chunk: Chunk, supplies: dict[str, bytes]) -> Future[Answer]:
        executor = self._current()
        try:
            return executor.submit(score, key, chunk, supplies)
        except Exception as error:  # of any library
            if self._make is None:
                raise NeuroError(
                    f"the {type(executor).__name__} takes no more chunks: "
                    f"{type(error).__name__}: {error}; only its owner can make it anew. "
                    "Futures.pool(4) makes its processes anew; go on with `clantune neuro resume "
                    "DIR`"
                ) from error
        self._executor = None
        _shut_down(executor, wait=False)
        return self._current().submit(score, key, chunk, supplies)

    def _current(self) -> Submits:
        if self._executor is None and self._make is not None:
            self._executor = self._make()
        if self._executor is None:
            raise NeuroError("there is no executor")
        return self._executor


def _shut_down(executor: Any, *, wait: bool) -> None:
    """Shut an executor down, if it can be."""
    if isinstance(executor, ProcessPoolExecutor):
        executor.shutdown(wait=wait, cancel_futures=True)
    elif hasattr(executor, "shutdown"):
        executor.shutdown()


class _Pool(ProcessPoolExecutor):
    """Processes that Ctrl-C does not reach, also while they import their packages."""

    def submit(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        """Submit a call. It may start a process, which inherits the signals that are blocked."""
        with _without_interrupts():
            return super().submit(function, *given, **named)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Block Ctrl-C in this thread for a while. One that comes meanwhile arrives afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _spawned(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return _Pool(workers, mp_context=context, initializer=_begin)


def _begin() -> None:
    """Leave Ctrl-C to the process that asks, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
