"""Questions in SQL, which cannot change anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.errors import StoreError

FIRST_WORDS = ("SELECT", "WITH", "VALUES", "EXPLAIN")

_COMMENTS = re.compile(r"(\s+|--[^\n]*(\n|$)|/\*.*?\*/)*", re.DOTALL)


def run_sql(database: Database, text: str, limit: int) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the names of the columns, and the rows, of one query in SQL.

    Args:
        database: Database to ask; its views `results` and `parameters` are made for this.
        text: One statement that begins with SELECT, WITH, VALUES or EXPLAIN.
        limit: Most rows to return.

    Raises:
        StoreError: The text is another statement, or more than one, or the database refuses it.
    """
    beginning = _COMMENTS.sub("", text, count=1)
    if not re.match(rf"({'|'.join(FIRST_WORDS)})\b", beginning, re.IGNORECASE):
        raise StoreError(
            f"the SQL begins with {beginning[:20]!r}; a question begins with "
            f"{', '.join(FIRST_WORDS[:-1])} or {FIRST_WORDS[-1]}"
        )
    with database.read() as connection, _read_only(connection):
        driver: Any = connection.connection.driver_connection
        with _errors(connection):
            if connection.dialect.name == "sqlite":
                cursor = driver.execute(text)
            else:  # the server prepares one statement, and no second one
                cursor = driver.execute(text, prepare=True)
            columns = [column[0] for column in cursor.description or ()]
            rows = [tuple(row) for row in cursor.fetchmany(limit)]
            cursor.close()
    return columns, rows


@contextmanager
def _read_only(connection: sa.Connection) -> Iterator[None]:
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        try:
            yield
        finally:
            connection.rollback()
        return
    connection.exec_driver_sql("PRAGMA query_only=ON")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA query_only=OFF")


@contextmanager
def _errors(connection: sa.Connection) -> Iterator[None]:
    dbapi: Any = connection.dialect.loaded_dbapi
    try:
        yield
    except (dbapi.Error, dbapi.Warning) as error:
        reason = str(error).strip().splitlines()[0]
        raise StoreError(f"the database refuses this SQL: {reason}") from error
