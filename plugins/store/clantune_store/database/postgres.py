"""Connections to a schema of a PostgreSQL server."""

from __future__ import annotations

import sqlalchemy as sa

from clantune_store.database.address import Address

LOCK = 0x636C616E  # any number that all processes agree on
CONNECT_TIMEOUT = 5
"""Seconds for one attempt to connect."""


def engine(address: Address) -> sa.Engine:
    """Return connections that see only the schema of the store."""
    return sa.create_engine(
        address.url,
        pool_pre_ping=True,  # the server may have been restarted
        connect_args={
            "options": f"-c search_path={address.schema}",
            "connect_timeout": CONNECT_TIMEOUT,
        },
    )


def lock_schema(connection: sa.Connection, schema: str, *, make: bool) -> None:
    """Wait until no other process makes or changes tables, until the end of this transaction."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    if make:
        connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
