"""Adding a group, or finding the one that has the same values."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from clantune_store.database.canonical import canonical, id_of
from clantune_store.database.names import insert
from clantune_store.database.tables import groups, labels, spaces
from clantune_store.database.text import require_text
from clantune_store.errors import StoreError
from clantune_store.space.space import Space


def add_group(
    connection: sa.Connection,
    values: Mapping[str, Any],
    space: Space,
    *,
    origin: str,
    learned: str | None = None,
) -> tuple[int, bool]:
    """Return the number of the group with these values, and whether it is new.

    Args:
        connection: Transaction that writes.
        values: Values by name, as JSON data.
        space: Space that they come from.
        origin: How they came to be, such as `"load"`.
        learned: What strategies have learned about a new group, as JSON text.
    """
    text, now = canonical(dict(values)), time.time()
    new_space = {"id": space.id, "created": now, "document": space.document}
    connection.execute(insert(connection, spaces).values(**new_space))
    new = {
        "id": id_of(text),
        "space": space.id,
        "created": now,
        "origin": origin,
        "learned": learned,
    }
    # Another process may add the same group at the same moment.
    row = insert(connection, groups).values(**new, parameters=text)
    added = connection.execute(row.returning(groups.c.number)).scalar()
    if added is not None:
        return added, True
    number = sa.select(groups.c.number).where(groups.c.id == id_of(text))
    return connection.execute(number).scalar_one(), False


def make_newest(connection: sa.Connection, space: Space) -> None:
    """Make a space that is there the newest one, as one that is loaded once more."""
    others = sa.select(spaces.c.created).where(spaces.c.id != space.id)
    latest = connection.execute(others.order_by(spaces.c.created.desc()).limit(1)).scalar()
    older = sa.and_(spaces.c.id == space.id, spaces.c.created <= (latest or 0.0))
    connection.execute(spaces.update().where(older).values(created=time.time()))


def add_label(connection: sa.Connection, label: str, group: int) -> None:
    """Give a group a label.

    Raises:
        StoreError: Another group has it, or it looks like a number.
    """
    if not label or label.isdigit():
        raise StoreError(f"a label is a text that is not a number; got {label!r}")
    require_text(label, "the label")
    others = sa.select(labels.c.group).where(labels.c.label == label, labels.c.group != group)
    other = connection.execute(others).scalar()
    if other is not None:
        raise StoreError(f"group {other} has the label {label!r} already: choose another one")
    connection.execute(insert(connection, labels).values(label=label, group=group))
