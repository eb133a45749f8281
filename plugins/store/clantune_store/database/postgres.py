"""Connections to a schema of a PostgreSQL server."""

from __future__ import annotations

import sqlalchemy as sa

from clantune_store.database.address import Address

LOCK = 0x636C616E  # any number that all processes agree on
CONNECT_TIMEOUT = 5
"""Seconds for one attempt to connect."""

FINAL = ("authentication failed", "does not exist", "no pg_hba.conf entry", "no password supplied")
"""What a server says of a connection that it will never take."""


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


def is_final(reason: str) -> bool:
    """Return whether a server has refused a connection for a reason that waiting does not mend."""
    return any(final in reason for final in FINAL)


def lock_schema(connection: sa.Connection, schema: str, *, make: bool) -> None:
    """Wait until no other process makes or changes tables, until the end of this transaction."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    known = sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :schema")
    # Making one that exists needs the right to make schemas, which the user may not have.
    if make and connection.execute(known, {"schema": schema}).scalar() is None:
        connection.exec_driver_sql(f'CREATE SCHEMA "{schema}"')
