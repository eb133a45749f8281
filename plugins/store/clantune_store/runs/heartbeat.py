"""A thread that says in the database that a run is alive, so that a dead one is found."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator

from clantune_store.database import Database
from clantune_store.database.tables import runs
from clantune_store.errors import StoreError

BEAT = 60.0
"""Seconds between two signs of life."""

LATEST = 5 * BEAT
"""Seconds without one after which a run on another machine counts as dead."""

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def heartbeat(database: Database, run: int) -> Iterator[None]:
    """Write the time into the row of a run each minute, while the block runs."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(BEAT):
            try:
                with database.write() as connection:
                    now = runs.update().where(runs.c.number == run).values(heartbeat=time.time())
                    connection.execute(now)
            except StoreError as error:  # the next beat may succeed; the end of the run must
                logger.warning("run %d could not say that it is alive: %s", run, error)

    thread = threading.Thread(target=beat, name=f"heartbeat of run {run}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(BEAT / 12)  # it may wait for a server; the end of the run says more
