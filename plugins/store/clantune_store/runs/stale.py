"""Runs whose process has ended without a word."""

from __future__ import annotations

import time

import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.tables import runs
from clantune_store.runs.heartbeat import LATEST
from clantune_store.runs.machine import is_dead


def mark_stale(database: Database) -> int:
    """Mark as `stale` each run that is `running` and whose process is dead; return how many.

    A process of this machine is looked up. One of another machine is dead if it has not said for
    several minutes that it is alive.
    """
    columns = (runs.c.number, runs.c.process, runs.c.heartbeat)
    with database.read() as connection:
        running = connection.execute(sa.select(*columns).where(runs.c.state == "running")).all()
    now = time.time()
    dead = [row.number for row in running if has_ended(row.process, row.heartbeat, now)]
    if not dead:
        return 0
    with database.write() as connection:
        still = runs.update().where(runs.c.number.in_(dead), runs.c.state == "running")
        return connection.execute(still.values(state="stale", stopped=now)).rowcount


def has_ended(process: str | None, heartbeat: float | None, now: float) -> bool:
    """Return whether a process has ended; one that cannot be looked up, if it has been silent.

    Args:
        process: Name of the process.
        heartbeat: When it has said that it is alive, in seconds since 1970.
        now: The time now.
    """
    ended = is_dead(process) if process else None
    return now - (heartbeat or 0.0) > LATEST if ended is None else ended
