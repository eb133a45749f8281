"""Runs that are waiting for a worker."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from clantune_store.database.names import numbers_of
from clantune_store.database.tables import datasets, groups, runs


def queue_runs(
    connection: sa.Connection,
    pairs: Iterable[tuple[int, str]],
    campaign: int | None = None,
    family: str | None = None,
) -> int:
    """Add a run that waits for a worker for each group and data set; return how many.

    Args:
        connection: Transaction that writes.
        pairs: Number of a group, and name of a data set, in the order in which they are to run.
        campaign: Number of the campaign that they belong to.
        family: Name that the results are kept together by; None: that of the data set.
    """
    asked = [*pairs]
    numbers = numbers_of(connection, datasets, [{"name": name} for _, name in asked])
    now = time.time()
    rows = [
        {
            "id": uuid.uuid4(),
            "group": group,
            "dataset": number,
            "family": name if family is None else family,
            "state": "queued",
            "attempt": 1,
            "campaign": campaign,
            "queued": now,
        }
        for (group, name), number in zip(asked, numbers, strict=True)
    ]
    if rows:
        connection.execute(runs.insert(), rows)
    return len(rows)


def without_results(connection: sa.Connection, names: Sequence[str]) -> list[tuple[int, str]]:
    """Return each group and data set that have no run that has ended well, in their order."""
    query = (
        sa.select(runs.c.group, datasets.c.name)
        .join(datasets, datasets.c.number == runs.c.dataset)
        .where(runs.c.state == "ok")
        .distinct()
    )
    done = {(row[0], row[1]) for row in connection.execute(query)}
    numbers = connection.execute(sa.select(groups.c.number).order_by(groups.c.number)).scalars()
    return [(number, name) for number in numbers for name in names if (number, name) not in done]
