"""A hash of what is in a database: it says whether two databases say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import sqlalchemy as sa

from clantune_store.database import portable
from clantune_store.database.canonical import canonical
from clantune_store.database.opening import Database
from clantune_store.database.portable import pages
from clantune_store.database.tables import campaigns, groups, named_metrics, runs, spaces


def content(database: Database) -> str:
    """Return a hash of all that is in a database.

    Local numbers, the order of rows and merges, and names that nothing uses do not change it. It is
    the same on SQLite and PostgreSQL.
    """
    digest = hashlib.sha256()
    with portable.snapshot(database) as connection:
        for kind, texts in (
            ("spaces", _spaces(connection)),
            ("groups", _groups(connection)),
            ("parents", _parents(connection)),
            ("campaigns", _campaigns(connection)),
            ("runs", _runs(connection)),
            ("named_metrics", _named_metrics(connection)),
        ):
            digest.update(f"{kind}\n".encode())
            for text in texts:
                digest.update(f"{text}\n".encode())  # JSON has no line break in it
    return digest.hexdigest()


def _spaces(connection: sa.Connection) -> Iterator[str]:
    for page in pages(connection, sa.select(spaces), spaces.c.id):
        for row in page:
            yield canonical([row.id.hex, row.created, row.document])


def _groups(connection: sa.Connection) -> Iterator[str]:
    for page in pages(connection, sa.select(groups), groups.c.id):
        labels = portable.labels_of(connection, [row.number for row in page])
        for row in page:
            yield portable.text_of_group(row)
            yield canonical([row.parameters, labels.get(row.number, [])])


def _parents(connection: sa.Connection) -> Iterator[str]:
    for page in portable.pages_of_parents(connection):
        yield from map(portable.text_of_parent, page)


def _campaigns(connection: sa.Connection) -> Iterator[str]:
    for page in pages(connection, sa.select(campaigns), campaigns.c.id):
        yield from map(portable.text_of_campaign, page)


def _runs(connection: sa.Connection) -> Iterator[str]:
    for page in pages(connection, portable.RUNS, runs.c.id):
        measured = portable.measured_of(connection, [row.number for row in page])
        for row in page:
            yield portable.text_of_run(row)
            yield canonical(
                [[*name, *said] for name, said in sorted(measured.get(row.number, {}).items())]
            )


def _named_metrics(connection: sa.Connection) -> Iterator[str]:
    rows = connection.execute(sa.select(named_metrics))
    yield from sorted(canonical([row.name, row.document]) for row in rows)
