"""Connections to an SQLite file that many processes write at the same time."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import sqlalchemy as sa

from clantune_store.database.address import Address

PAUSE = 0.005
"""Seconds between two attempts to switch a new file to WAL."""

IS_STORE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'store'"


def engine(address: Address, timeout: float) -> sa.Engine:
    """Return connections whose transactions begin as `BEGIN IMMEDIATE` if they write.

    A transaction that begins with a read and writes later fails at once if another process has
    written meanwhile, and SQLite does not wait for its turn then.

    Args:
        address: File; it exists, or is made now.
        timeout: Seconds to wait for other processes that write.
    """
    made = sa.create_engine(
        address.url,
        connect_args={"timeout": timeout},
        max_overflow=-1,  # each thread has a connection, and waits in SQLite for its turn
    )

    @sa.event.listens_for(made, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # the `begin` below is the only one
        if connection.execute(IS_STORE).fetchone():  # the file of another program stays as it is
            _switch_to_wal(connection, timeout)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @sa.event.listens_for(made, "begin")
    def begin(connection: sa.Connection) -> None:
        writes: Any = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return made


def make_ready(engine: sa.Engine, timeout: float) -> None:
    """Prepare a file without tables for processes that write at the same time."""
    connection = engine.raw_connection()
    try:
        _switch_to_wal(connection.dbapi_connection, timeout)
    finally:
        connection.close()


def _switch_to_wal(connection: Any, timeout: float) -> None:
    """Let readers and a writer work at the same time.

    SQLite does not wait for other processes in the switch. So this asks first, which needs no lock,
    and tries again.
    """
    until = time.monotonic() + timeout
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(PAUSE)
        else:
            return
