"""Local numbers of names: data sets, metrics and machines are stored once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Cache = dict[str, dict[tuple[str, ...], int]]
"""Numbers by table and names."""

AT_ONCE = 500
"""Names that one query asks for; databases limit the number of values."""


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """Return an insertion that leaves rows alone that are there already."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()


def numbers_of(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Mapping[str, str]],
    cache: Cache | None = None,
) -> list[int]:
    """Return the number of each row of a table with unique names; new rows are inserted.

    Args:
        connection: Transaction that writes.
        table: Table, such as `metrics`.
        rows: Names by column, such as `{"algo": "co2", "name": "profit"}`.
        cache: Numbers that are known to be in this database, which gets more of them. Call this
            once in a transaction for each table then: what is found must be there already, since
            the transaction may fail.
    """
    _, *names = table.c
    by_key = {tuple(row[column.name] for column in names): row for row in rows}
    cached = {} if cache is None else cache.setdefault(table.name, {})
    known = {key: cached[key] for key in by_key if key in cached}
    unknown = [key for key in by_key if key not in known]
    if unknown:
        found = _known(connection, table, unknown)
        cached.update(found)
        known.update(found)
    new = [key for key in by_key if key not in known]
    if new:
        connection.execute(insert(connection, table), [by_key[key] for key in new])
        known.update(_known(connection, table, new))
    return [known[tuple(row[column.name] for column in names)] for row in rows]


def _known(
    connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[str, ...]]
) -> dict[tuple[str, ...], int]:
    number, *names = table.c
    found: dict[tuple[str, ...], int] = {}
    for begin in range(0, len(rows), AT_ONCE):
        some = rows[begin : begin + AT_ONCE]
        key: Any = names[0] if len(names) == 1 else sa.tuple_(*names)
        wanted = [row[0] for row in some] if len(names) == 1 else some
        for at, *row in connection.execute(sa.select(number, *names).where(key.in_(wanted))):
            found[tuple(row)] = at
    return found
