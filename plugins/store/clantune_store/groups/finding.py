"""Finding a group by its number, a label, or the beginning of its id; and the newest space."""

from __future__ import annotations

import difflib
import re
from typing import Any

import sqlalchemy as sa

from clantune_store.database.tables import groups, labels, spaces
from clantune_store.errors import StoreError
from clantune_store.space.space import Space

DIGITS = 18
"""Digits of the largest number that every database can look for."""

EMPTY = "the store has no group: load one, as `clantune store load FILE` does"

FEWEST = 4
"""Characters of an id that name a group."""


def find_group(connection: sa.Connection, key: int | str | None) -> Any:
    """Return the row of the one group that a key names.

    Args:
        connection: Transaction.
        key: Number, label, or beginning of an id; None: the only group that there is.

    Raises:
        StoreError: No group, or several, have that key.
    """
    if key is None:
        return _only(connection)
    text = str(key)
    by_label = sa.select(labels.c.group).where(labels.c.label == text)
    found = _rows(connection, groups.c.number.in_(by_label))
    if not found and text.isascii() and text.isdigit() and len(text) <= DIGITS:
        found = _rows(connection, groups.c.number == int(text))
    if not found and len(text) >= FEWEST and re.fullmatch("[0-9a-f-]+", text.lower()):
        beginning = sa.cast(groups.c.id, sa.Text).startswith(_as_stored(connection, text.lower()))
        found = _rows(connection, beginning)
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(str(row.number) for row in found)
        raise StoreError(f"{text!r} names several groups, {numbers}: give the number of one")
    raise _unknown(connection, text)


def newest_space(connection: sa.Connection) -> Space:
    """Return the space that was loaded last.

    Raises:
        StoreError: There is none.
    """
    order = (spaces.c.created.desc(), spaces.c.id)
    document = connection.execute(sa.select(spaces.c.document).order_by(*order).limit(1)).scalar()
    if document is None:
        raise StoreError(EMPTY)
    return Space.from_document(document)


def _as_stored(connection: sa.Connection, text: str) -> str:
    """Return the beginning of an id as the database writes it: SQLite without hyphens."""
    digits = text.replace("-", "")
    if connection.dialect.name == "sqlite":
        return digits
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(part for part in parts if part)


def _rows(connection: sa.Connection, where: Any) -> list[Any]:
    return list(connection.execute(sa.select(groups).where(where).limit(5)).all())


def _only(connection: sa.Connection) -> Any:
    found = connection.execute(sa.select(groups).order_by(groups.c.number).limit(2)).all()
    if len(found) == 1:
        return found[0]
    if not found:
        raise StoreError(EMPTY)
    count = connection.execute(sa.select(sa.func.count()).select_from(groups)).scalar_one()
    raise StoreError(
        f"no group is named, and there are {count}: give group=..., or set the variable "
        "CLANTUNE_GROUP"
    )


def _unknown(connection: sa.Connection, text: str) -> StoreError:
    known = list(connection.execute(sa.select(labels.c.label).distinct().limit(10_000)).scalars())
    near = difflib.get_close_matches(text, known, 1)
    if near:
        return StoreError(f"there is no group {text!r}; the nearest label is {near[0]!r}")
    low, high, count = connection.execute(
        sa.select(sa.func.min(groups.c.number), sa.func.max(groups.c.number), sa.func.count())
    ).one()
    there = f"there are {count}, with numbers from {low} to {high}" if count else "there is none"
    return StoreError(f"there is no group {text!r}; {there}")
