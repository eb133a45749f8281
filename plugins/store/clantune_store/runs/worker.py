"""A worker takes runs from the queue and carries them out, until there are no more."""

from __future__ import annotations

import concurrent.futures
import os
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol

import attrs
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.tables import runs
from clantune_store.errors import StoreError
from clantune_store.runs.claims import Claim, beat, claim, give_back, new_worker, recover
from clantune_store.runs.ending import UNFINISHED
from clantune_store.runs.program import Programs

BEAT = 10.0
"""Seconds between two signs of life of the runs of a worker."""

SHORTEST, LONGEST = 0.05, 0.5
"""Seconds between two looks at a queue that is empty; each pause is twice the one before."""


class Runner(Protocol):
    """What carries runs out.

    Attributes:
        jobs: Runs at the same time.
    """

    jobs: int

    def submit(self, claimed: Claim) -> Future[Any]:
        """Begin a run."""

    def settle(self, claimed: Claim, future: Future[Any]) -> None:
        """Write how a run has ended, unless that is in the database already."""

    def stop(self) -> None:
        """End what is running. The runs are given back after that."""

    def close(self) -> None:
        """Let go of threads."""


class Local:
    """Runs commands on this machine; a thread waits for each."""

    def __init__(self, programs: Programs, jobs: int) -> None:
        self.jobs = jobs
        self._programs = programs
        self._pool = concurrent.futures.ThreadPoolExecutor(max(jobs, 1), "clantune-run")

    def submit(self, claimed: Claim) -> Future[None]:
        """Begin a run."""
        return self._pool.submit(self._programs.run, claimed)

    def settle(self, claimed: Claim, future: Future[None]) -> None:  # noqa: ARG002  (see `Runner`)
        """Raise the error of a database that could not be written."""
        future.result()

    def stop(self) -> None:
        """End all programs."""
        self._programs.stop()
        self._pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()


@attrs.define
class Worker:
    """One worker of a queue.

    Attributes:
        database: Database with the queue.
        mark: Mark of its claims, from `new_worker`.
        runner: What carries the runs out.
        campaign: Number of the only campaign to take runs of; None: any.
        on_end: Called with each run that has ended here, and its state.
    """

    database: Database
    mark: str
    runner: Runner
    campaign: int | None = None
    on_end: Callable[[Claim, str], object] = lambda *_: None
    _active: dict[Future[Any], Claim] = attrs.field(factory=dict, init=False)
    _beaten: float = attrs.field(factory=time.monotonic, init=False)
    _claimed: int = attrs.field(default=0, init=False)

    def work(self, *, idle: float = 0.0, max_runs: float = float("inf")) -> None:
        """Carry runs out until none is left, also none that another worker has.

        If this is interrupted, the programs are ended and their runs wait again.

        Args:
            idle: Seconds to wait for further runs.
            max_runs: Runs to take at most.
        """
        try:
            self._work(idle, max_runs)
        except BaseException:
            try:
                self.runner.stop()
            finally:  # it may be interrupted, too
                give_back(self.database, self.mark, self._active.values())
                self._active.clear()
            raise

    def _work(self, idle: float, max_runs: float) -> None:
        pause, since = SHORTEST, time.monotonic()
        while True:
            if self._fill(max_runs) or self._active:
                pause, since = SHORTEST, time.monotonic()
            elif self._claimed >= max_runs:
                return
            elif unfinished(self.database, self.campaign):
                since = time.monotonic()
            elif time.monotonic() - since >= idle:
                return
            self._wait(pause)
            pause = min(2 * pause, LONGEST)

    def _fill(self, max_runs: float) -> bool:
        """Begin as many runs as there is room for; return whether one was begun."""
        begun = False
        while len(self._active) < self.runner.jobs and self._claimed < max_runs:
            claimed = claim(self.database, self.mark, self.campaign)
            if claimed is None:
                break
            begun = True
            self._claimed += 1
            self._active[self.runner.submit(claimed)] = claimed
        if len(self._active) < self.runner.jobs or not self._active:
            recover(self.database, self.campaign)
        return begun

    def _wait(self, pause: float) -> None:
        """Wait for the end of a run, or for a while; settle those that have ended."""
        if not self._active:
            time.sleep(pause)
            return
        is_full = len(self._active) >= self.runner.jobs
        done, _ = concurrent.futures.wait(
            self._active, BEAT / 4 if is_full else LONGEST, concurrent.futures.FIRST_COMPLETED
        )
        for future in done:
            self.runner.settle(self._active[future], future)
            ended = self._active.pop(future)
            self.on_end(ended, state_of(self.database, ended))
        if self._active and time.monotonic() - self._beaten > BEAT:
            beat(self.database, self._active.values())
            self._beaten = time.monotonic()


def work(
    database: Database,
    *,
    jobs: int | None = None,
    idle: float = 0.0,
    max_runs: int | None = None,
    logs: str | os.PathLike[str] | None = None,
    on_end: Callable[[Claim, str], object] = lambda *_: None,
) -> dict[str, int]:
    """Carry out runs that wait, of any campaign, until nothing has been left for a while.

    Args:
        database: Database.
        jobs: Runs at the same time; None: one for each processor.
        idle: Seconds to wait for further runs.
        max_runs: Runs to take at most; None: any number.
        logs: Folder for what the commands print; None: see `logs_of`.
        on_end: Called with each run that has ended here, and its state.

    Returns:
        How many runs have ended here, by state.

    Raises:
        StoreError: A number is too low.
    """
    for name, value, least in (("jobs", jobs, 1), ("idle", idle, 0), ("max_runs", max_runs, 1)):
        if value is not None and not value >= least:  # NaN is not, either
            raise StoreError(f"{name} is {value}; give {least} or more")
    counts: Counter[str] = Counter()

    def count(claimed: Claim, state: str) -> None:
        counts[state] += 1
        on_end(claimed, state)

    mark = new_worker()
    runner = Local(Programs(database, mark, logs_of(database, logs)), jobs_of(jobs))
    try:
        worker = Worker(database, mark, runner, on_end=count)
        worker.work(idle=idle, max_runs=float("inf") if max_runs is None else max_runs)
    finally:
        runner.close()
    return dict(counts)


def unfinished(database: Database, campaign: int | None) -> int:
    """Return how many runs have not ended, of a campaign or of any one."""
    query = sa.select(sa.func.count()).where(runs.c.state.in_(UNFINISHED))
    query = query.where(
        runs.c.campaign.is_not(None) if campaign is None else runs.c.campaign == campaign
    )
    with database.read() as connection:
        return connection.execute(query).scalar_one()


def state_of(database: Database, claimed: Claim) -> str:
    """Return the state of a run."""
    query = sa.select(runs.c.state).where(runs.c.number == claimed.number)
    with database.read() as connection:
        return str(connection.execute(query).scalar_one())


def jobs_of(jobs: int | None) -> int:
    """Return how many runs at the same time; None: one for each processor of this process."""
    if jobs is not None:
        return jobs
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def logs_of(database: Database, logs: str | os.PathLike[str] | None) -> Path:
    """Return the folder for what commands print: beside a file `NAME` it is `NAME-logs`.

    For a server it is a folder of the name of its schema, in the folder of this process.
    """
    if logs is not None:
        return Path(logs)
    path = database.address.path
    if path is not None:
        return path.with_name(f"{path.name}-logs")
    return Path(f"{database.address.schema}-logs")
