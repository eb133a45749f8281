"""The version of the tables, and the steps from an older version to the present one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from clantune_store.database import tables
from clantune_store.errors import StoreError

STEPS: Mapping[int, Iterable[str]] = {}
"""SQL statements that lead from a version to the next one."""


def version_of(connection: sa.Connection, shown: str) -> int | None:
    """Return the version of the tables; None if there are none.

    Args:
        connection: Any transaction.
        shown: Address of the database, for the message.

    Raises:
        StoreError: The tables are too new for this release.
    """
    if not sa.inspect(connection).has_table(tables.store.name):
        return None
    row = connection.execute(
        sa.text("SELECT version, readable_by FROM store")  # in every version, so without `tables`
    ).one_or_none()
    if row is None:
        return None
    if row.readable_by > tables.VERSION:
        raise StoreError(
            f"{shown} has tables of version {row.version}, and this release of "
            f"clantune-store reads up to version {tables.VERSION}: upgrade clantune-store"
        )
    return int(row.version)


def upgrade(connection: sa.Connection, shown: str) -> bool:
    """Bring the tables to the present version, in the transaction of the caller.

    The caller holds the lock for writing, so a second process sees that it is done.

    Args:
        connection: Transaction that writes.
        shown: Address of the database, for messages.

    Returns:
        Whether there was something to do.
    """
    begun = version = version_of(connection, shown)
    if version is None:
        raise StoreError(f"{shown} has no tables to upgrade")
    while version in STEPS:
        for statement in STEPS[version]:
            connection.exec_driver_sql(statement)
        version += 1
    if version != begun:
        connection.execute(
            sa.text("UPDATE store SET version = :version, readable_by = :readable_by"),
            {"version": version, "readable_by": tables.READABLE_BY},
        )
    return version != begun
