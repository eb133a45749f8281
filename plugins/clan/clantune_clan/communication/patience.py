"""Waiting with a deadline for calls that have none themselves, and may never return."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from threading import Thread
from typing import TypeVar

import torch.distributed as dist

T = TypeVar("T")

SLICE = timedelta(seconds=1)
"""Time after which a rank that waits for a collective looks whether another rank has failed."""


def within(seconds: float, function: Callable[[], T]) -> T:
    """Return the value of a function, which runs in a thread of its own.

    Meanwhile this thread handles signals, which it does not do inside a function of C++.

    Raises:
        TimeoutError: The function has not returned in time. Its thread ends with the process.
    """
    return _begin(function).result(seconds)


def wait_for_messages(work: dist.Work, deadline: timedelta, is_broken: Callable[[], bool]) -> None:
    """Wait for any operation of a process group. It ends if it times out.

    Args:
        work: Operation.
        deadline: Time to wait for it.
        is_broken: Function that returns whether another rank has failed.

    Raises:
        RuntimeError: The operation has failed, another rank has, or the deadline is over.
    """
    outcome = _begin(lambda: work.wait(deadline))
    while True:
        try:
            outcome.result(SLICE.total_seconds())
        except TimeoutError:
            if is_broken():
                raise RuntimeError("another rank has failed") from None
        else:
            return


def wait_for_sum(work: dist.Work, deadline: timedelta, is_broken: Callable[[], bool]) -> None:
    """Wait for a sum of gloo, as `wait_for_messages` does, but without a thread.

    Args:
        work: Operation. It goes on if its wait times out, so the wait can be repeated.
        deadline: Time to wait for it.
        is_broken: Function that returns whether another rank has failed.

    Raises:
        RuntimeError: The operation has failed, another rank has, or the deadline is over.
    """
    until = time.monotonic() + deadline.total_seconds()
    while True:
        left = timedelta(seconds=max(0.001, until - time.monotonic()))
        try:
            work.wait(min(SLICE, left))
        except RuntimeError:
            if work.is_completed() or left < SLICE or is_broken():
                raise
        else:
            return


def poll_for_sum(work: dist.Work, deadline: timedelta, is_broken: Callable[[], bool]) -> None:
    """Wait for a sum on an accelerator, as `wait_for_sum` does.

    NCCL aborts an operation whose wait times out. So this asks whether the operation is complete.
    """
    until, next_look = time.monotonic() + deadline.total_seconds(), time.monotonic() + 1.0
    while not work.is_completed():
        now = time.monotonic()
        if now > until:
            raise RuntimeError(f"it has taken longer than {deadline.total_seconds():g} s")
        if now > next_look:
            if is_broken():
                raise RuntimeError("another rank has failed")
            next_look = now + 1.0
        time.sleep(1e-4)
    work.wait()  # it raises the reason if the operation has failed


def _begin(function: Callable[[], T]) -> Future[T]:
    """Run a function in a thread of its own, which does not keep the process from ending."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001  (the caller raises it)
            outcome.set_exception(error)

    try:
        Thread(target=run, daemon=True).start()
    except RuntimeError:  # from Python 3.12 on, a process that ends starts no threads
        run()
    return outcome
