"""Copying groups, and what belongs to them, from one database to another.

Where both have a row, the first one by a total order stays, so that any order of merges ends with
the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from clantune_store.database import portable
from clantune_store.database.names import insert
from clantune_store.database.portable import pages
from clantune_store.database.tables import (
    campaigns,
    groups,
    labels,
    named_metrics,
    parents,
    spaces,
)


def copy_spaces(source: sa.Connection, target: sa.Connection) -> None:
    """Copy spaces. Of two equal ones, the one that was loaded last stays."""
    for page in pages(source, sa.select(spaces), spaces.c.id):
        here = _by_id(target, spaces, page)
        for row in page:
            if row.id not in here:
                target.execute(insert(target, spaces).values(row._asdict()))
            elif row.created > here[row.id].created:
                _update(target, spaces, row, "created")


def copy_campaigns(source: sa.Connection, target: sa.Connection) -> None:
    """Copy campaigns. Of two versions, the one that is in a later round stays."""

    def order(row: Any) -> Any:
        return (row.round, portable.text_of_campaign(row))

    for page in pages(source, sa.select(campaigns), campaigns.c.id):
        here = _by_id(target, campaigns, page)
        for row in page:
            if row.id not in here:
                target.execute(insert(target, campaigns).values(_without_number(row)))
            elif order(row) > order(here[row.id]):
                _update(target, campaigns, row, "created", "command", "options", "seed", "round")


def copy_groups(source: sa.Connection, target: sa.Connection) -> int:
    """Copy groups and their labels, in the order of their numbers; return how many are new.

    Of two versions, the older one stays: its time, origin, space, and what was learned.
    """

    def order(row: Any) -> Any:
        return (row.created, portable.text_of_group(row))

    new = 0
    for page in pages(source, sa.select(groups), groups.c.number):
        here = _by_id(target, groups, page)
        for row in page:
            if row.id not in here:
                new += 1
                target.execute(insert(target, groups).values(_without_number(row)))
            elif order(row) < order(here[row.id]):
                _update(target, groups, row, "created", "origin", "space", "learned")
        _copy_labels(source, target, page)
    return new


def copy_parents(source: sa.Connection, target: sa.Connection) -> None:
    """Copy parents. Of two versions, the one that names a run stays."""

    def order(row: Any) -> Any:
        return (row.run is None, portable.text_of_parent(row))

    for page in portable.pages_of_parents(source):
        children = parents.c.child.in_([row.child for row in page])
        known = target.execute(sa.select(parents).where(children).with_for_update()).all()
        here = {(row.child, row.parent, row.part): row for row in known}
        for row in page:
            same = here.get((row.child, row.parent, row.part))
            if same is None:
                target.execute(insert(target, parents).values(row._asdict()))
            elif order(row) < order(same):
                target.execute(
                    parents.update()
                    .where(parents.c.child == row.child, parents.c.parent == row.parent)
                    .where(parents.c.part == row.part)
                    .values(weight=row.weight, run=row.run)
                )


def copy_named_metrics(source: sa.Connection, target: sa.Connection) -> None:
    """Copy named metrics. One name may have several meanings after that."""
    for row in source.execute(sa.select(named_metrics)):
        target.execute(insert(target, named_metrics).values(row._asdict()))


def numbers_by_id(connection: sa.Connection, table: sa.Table, ids: Iterable[Any]) -> dict[Any, int]:
    """Return the local numbers of rows."""
    query = sa.select(table.c.id, table.c.number).where(table.c.id.in_([*ids]))
    return {row.id: row.number for row in connection.execute(query)}


def _copy_labels(source: sa.Connection, target: sa.Connection, page: Iterable[Any]) -> None:
    ids = {row.number: row.id for row in page}
    labelled = portable.labels_of(source, [*ids])
    here = numbers_by_id(target, groups, [ids[number] for number in labelled])
    for number, some in labelled.items():
        for label in some:
            row = {"label": label, "group": here[ids[number]]}
            target.execute(insert(target, labels).values(row))


def _by_id(connection: sa.Connection, table: sa.Table, page: Iterable[Any]) -> dict[Any, Any]:
    """Return rows by id; no other process of a server changes them until this one is done."""
    query = sa.select(table).where(table.c.id.in_([row.id for row in page])).with_for_update()
    return {row.id: row for row in connection.execute(query)}


def _without_number(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row._asdict().items() if name != "number"}


def _update(connection: sa.Connection, table: sa.Table, row: Any, *names: str) -> None:
    values = {name: getattr(row, name) for name in names}
    connection.execute(table.update().where(table.c.id == row.id).values(values))
