"""Merging databases: the union by id, whatever the order, and however often."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.database import Database, postgres
from clantune_store.database.address import Address
from clantune_store.database.portable import snapshot
from clantune_store.database.tables import groups, labels, named_metrics
from clantune_store.errors import MergeError
from clantune_store.exchange.copy_groups import (
    copy_campaigns,
    copy_groups,
    copy_named_metrics,
    copy_parents,
    copy_spaces,
)
from clantune_store.exchange.copy_runs import copy_runs
from clantune_store.questions.broken import count_broken


@attrs.frozen
class Merged:
    """What a merge has done.

    Attributes:
        groups: Number of groups that are new in the database.
        runs: Number of runs that are new in the database.
        conflicts: Labels of several groups and names of several metrics, as texts. All are kept.
        broken: Number of groups of the database that break a rule of their space. They are kept.
    """

    groups: int
    runs: int
    conflicts: tuple[str, ...]
    broken: int = 0


def merge(into: Database, *others: Database) -> Merged:
    """Add to a database everything that others have, each in one transaction.

    A row that two databases have in two versions is kept in one of them, which follows from the
    rows alone: of a run, the version that is further; of a group, the older one.

    Raises:
        MergeError: One of the others is the database itself. Nothing is merged then.
    """
    for other in others:
        if _is_same(into.address, other.address):
            raise MergeError(
                f"{other.address.shown} cannot be merged into itself: name another database"
            )
    new_groups = new_runs = 0
    for other in others:
        with snapshot(other) as source, into.write() as target:
            if into.address.schema:  # two merges at once would wait for the rows of each other
                postgres.lock_schema(target, into.address.schema, make=False)
            copy_spaces(source, target)
            copy_campaigns(source, target)
            new_groups += copy_groups(source, target)
            copy_parents(source, target)
            copy_named_metrics(source, target)
            new_runs += copy_runs(source, target)
    with into.read() as connection:
        found = (*_labels(connection), *_named_metrics(connection))
        broken = count_broken(connection)
    return Merged(new_groups, new_runs, found, broken)


def _is_same(one: Address, other: Address) -> bool:
    if one.path is not None and other.path is not None:
        return one.path.exists() and other.path.exists() and one.path.samefile(other.path)
    return one.path is other.path and _server(one) == _server(other)


def _server(address: Address) -> tuple[object, ...]:
    url = address.url
    host = url.host or url.query.get("host", "localhost")
    port = url.port or url.query.get("port", 5432)
    return (host, str(port), url.database or url.username, address.schema)


def _labels(connection: sa.Connection) -> list[str]:
    """Return the labels that several groups have."""
    several = sa.select(labels.c.label).group_by(labels.c.label).having(sa.func.count() > 1)
    rows = connection.execute(
        sa.select(labels.c.label, groups.c.number)
        .join(groups, groups.c.number == labels.c.group)
        .where(labels.c.label.in_(several))
    )
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        numbers[row.label].append(row.number)
    return [
        f"the label {label!r} names several groups: {', '.join(map(str, sorted(some)))}"
        for label, some in sorted(numbers.items())
    ]


def _named_metrics(connection: sa.Connection) -> list[str]:
    """Return the names that several metrics have."""
    documents: defaultdict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(sa.select(named_metrics)):
        documents[row.name].append(row.document)
    return [
        f"the metric {name!r} has several meanings: {' and '.join(sorted(some))}"
        for name, some in sorted(documents.items())
        if len(some) > 1
    ]
