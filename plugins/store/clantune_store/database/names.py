"""Local numbers of names: data sets, metrics and machines are stored once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """Return an insertion that leaves rows alone that are there already."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()


def numbers_of(
    connection: sa.Connection, table: sa.Table, rows: Iterable[Mapping[str, str]]
) -> list[int]:
    """Return the number of each row of a table with unique names; new rows are inserted.

    Args:
        connection: Transaction that writes.
        table: Table, such as `datasets`.
        rows: Names by column, such as `{"name": "SPY-2022"}`.
    """
    found = []
    for row in rows:
        known = sa.select(table.c.number).where(*(table.c[name] == row[name] for name in row))
        number = connection.execute(known).scalar()
        if number is None:
            connection.execute(insert(connection, table).values(**row))
            number = connection.execute(known).scalar_one()
        found.append(number)
    return found
