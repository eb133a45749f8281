"""A thread that says in the database that runs are alive, so that a dead one is found."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator

import attrs

from clantune_store.database import Database
from clantune_store.database.tables import runs
from clantune_store.errors import StoreError

BEAT = 60.0
"""Seconds between two signs of life."""

LATEST = 5 * BEAT
"""Seconds without one after which a run on another machine counts as dead."""

logger = logging.getLogger(__name__)


@attrs.frozen(eq=False)
class _Alive:
    """A run of this process, in the block of its report."""

    database: Database
    run: int
    process: int


_alive: set[_Alive] = set()
_thread: threading.Thread | None = None


@contextlib.contextmanager
def heartbeat(database: Database, run: int) -> Iterator[None]:
    """Write the time into the row of a run each minute, while the block runs."""
    alive = _Alive(database, run, os.getpid())
    _alive.add(alive)
    _begin()
    try:
        yield
    finally:
        _alive.discard(alive)


def _begin() -> None:
    """Start the one thread of this process; a fork does not take it along."""
    global _thread  # noqa: PLW0603  (one for all runs: a start costs as much as a report)
    if _thread is None or not _thread.is_alive():
        _thread = threading.Thread(target=_beat, name="heartbeat of runs", daemon=True)
        _thread.start()


def _beat() -> None:
    while True:
        time.sleep(BEAT)
        for alive in tuple(_alive):
            if alive.process == os.getpid():  # the others are runs of the process it is forked from
                _say(alive)


def _say(alive: _Alive) -> None:
    own = runs.update().where(runs.c.number == alive.run, runs.c.state == "running")
    try:
        with alive.database.write() as connection:
            connection.execute(own.values(heartbeat=time.time()))
    except StoreError as error:  # the next beat may succeed; the end of the run must
        logger.warning("run %d could not say that it is alive: %s", alive.run, error)
