"""Rows without local numbers, in pages: equal rows look alike in every database."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from clantune_store.database.canonical import canonical
from clantune_store.database.opening import Database
from clantune_store.database.tables import (
    campaigns,
    datasets,
    groups,
    labels,
    machines,
    measurements,
    metrics,
    parents,
    runs,
)

PAGE = 250
"""Rows that are in memory at the same time; for runs, with all their measurements."""

RUNS = (
    sa.select(
        runs,
        groups.c.id.label("group_id"),
        datasets.c.name.label("dataset_name"),
        campaigns.c.id.label("campaign_id"),
        machines.c.facts.label("facts"),
    )
    .join(groups, groups.c.number == runs.c.group)
    .join(datasets, datasets.c.number == runs.c.dataset)
    .outerjoin(campaigns, campaigns.c.number == runs.c.campaign)
    .outerjoin(machines, machines.c.number == runs.c.machine)
)
"""Runs with what their local numbers stand for."""

Measured = dict[tuple[str, str], tuple[float | None, str | None]]
"""Value and JSON text of the measurements of one run, by algo and name."""


@contextlib.contextmanager
def snapshot(database: Database) -> Iterator[sa.Connection]:
    """Open a transaction whose reads all see the database as it is at the first one."""
    with database.read() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield connection


def pages(
    connection: sa.Connection, query: sa.Select[Any], column: sa.Column[Any]
) -> Iterator[Sequence[Any]]:
    """Return the rows of a query, a few at a time, in the order of a column of distinct values."""
    ordered = query.order_by(column).limit(PAGE)
    rows = connection.execute(ordered).all()
    while rows:
        yield rows
        rows = connection.execute(ordered.where(column > getattr(rows[-1], column.name))).all()


def pages_of_parents(connection: sa.Connection) -> Iterator[Sequence[Any]]:
    """Return the pairs of child and parent, all pairs of a few children at a time."""
    for page in pages(connection, sa.select(parents.c.child).distinct(), parents.c.child):
        children = [row.child for row in page]
        found = connection.execute(sa.select(parents).where(parents.c.child.in_(children))).all()
        yield sorted(found, key=lambda row: (row.child, row.parent, row.part))


def labels_of(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, list[str]]:
    """Return the labels of groups with these numbers, sorted."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for row in connection.execute(sa.select(labels).where(labels.c.group.in_(numbers))):
        found[row.group].append(row.label)
    return {number: sorted(some) for number, some in found.items()}


def measured_of(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, Measured]:
    """Return the measurements of the runs with these numbers."""
    found: defaultdict[int, Measured] = defaultdict(dict)
    columns = (measurements.c.run, metrics.c.algo, metrics.c.name)
    for row in connection.execute(
        sa.select(*columns, measurements.c.value, measurements.c.other)
        .join(metrics, metrics.c.number == measurements.c.metric)
        .where(measurements.c.run.in_(numbers))
    ):
        found[row.run][row.algo, row.name] = (_same_zero(row.value), row.other)
    return found


def text_of_group(row: Any) -> str:
    """Return what a row of `groups` says, except for its parameters, which its id says."""
    return canonical([row.id.hex, row.space.hex, row.created, row.origin, row.learned])


def text_of_run(row: Any) -> str:
    """Return what a row of `RUNS` says."""
    return canonical(
        [
            *(row.id.hex, row.group_id.hex, row.dataset_name, row.family, row.state, row.attempt),
            None if row.campaign_id is None else row.campaign_id.hex,
            *(row.queued, row.started, row.heartbeat, row.stopped),
            *(row.facts, row.process, row.note),
        ]
    )


def text_of_parent(row: Any) -> str:
    """Return what a row of `parents` says."""
    run = None if row.run is None else row.run.hex
    return canonical([row.child.hex, row.parent.hex, row.part, row.weight, run])


def text_of_campaign(row: Any) -> str:
    """Return what a row of `campaigns` says."""
    return canonical([row.id.hex, row.created, row.command, row.options, row.seed, row.round])


def _same_zero(value: float | None) -> float | None:
    """Return -0.0 as 0.0: SQLite does not keep the sign of a zero, and PostgreSQL does."""
    return None if value is None else value + 0.0
