"""The version of the tables, and the steps from an older version to the present one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from clantune_store.database import tables
from clantune_store.errors import StoreError

STEPS: Mapping[int, Sequence[str]] = {}
"""SQL statements that lead from a version to the next one."""


def version_of(connection: sa.Connection) -> int | None:
    """Return the version of the tables; None if there are none.

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
            f"the database has tables of version {row.version}, and this release of "
            f"clantune-store reads up to version {tables.VERSION}: upgrade clantune-store"
        )
    return int(row.version)


def upgrade(connection: sa.Connection, steps: Mapping[int, Sequence[str]] | None = None) -> bool:
    """Bring the tables to the present version, in the transaction of the caller.

    The caller holds the lock for writing, so a second process sees that it is done.

    Returns:
        Whether there was something to do.
    """
    steps = STEPS if steps is None else steps
    begun = version = version_of(connection)
    if version is None:
        raise StoreError("there are no tables to upgrade")
    while version in steps:
        for statement in steps[version]:
            connection.exec_driver_sql(statement)
        version += 1
    if version != begun:
        connection.execute(
            sa.text("UPDATE store SET version = :version, readable_by = :readable_by"),
            {"version": version, "readable_by": tables.READABLE_BY},
        )
    return version != begun
