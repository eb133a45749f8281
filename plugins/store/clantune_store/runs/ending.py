"""The end of a run: who ends it first counts."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.names import numbers_of
from clantune_store.database.tables import measurements, metrics, runs
from clantune_store.runs.result import Measurement

UNFINISHED = ("queued", "running", "stale")
"""States of a run that may end: one that was taken for dead, or queued again, may be only slow."""


@attrs.frozen
class Begun:
    """A run that has begun: its number, and that of its data set."""

    number: int
    dataset: int


def end(
    database: Database,
    run: Begun,
    state: str,
    rows: Sequence[Measurement] = (),
    note: Mapping[str, object] | None = None,
    *,
    only: sa.ColumnElement[bool] | None = None,
    more: Mapping[str, Any] | None = None,
) -> bool:
    """End a run, unless it has ended already; return whether it has ended now.

    Args:
        database: Database of the run.
        run: Run.
        state: `"ok"` or `"failed"`.
        rows: What it has reported.
        note: What is known of a failure.
        only: Further condition on the row of the run.
        more: Further columns to write.
    """
    changed = {
        "stopped": time.time(),
        **(more or {}),
        "state": state,
        "note": None if note is None else json.dumps(note),  # in ASCII: a traceback has any text
    }
    own = runs.update().where(runs.c.number == run.number, runs.c.state.in_(UNFINISHED))
    if only is not None:
        own = own.where(only)
    names = [{"algo": row.algo, "name": row.name} for row in rows]
    with database.write() as connection:
        if not connection.execute(own, changed).rowcount:
            return False
        if rows:
            numbers = numbers_of(connection, metrics, names, database.numbers)
            connection.execute(
                measurements.insert(),
                [
                    {
                        "metric": number,
                        "run": run.number,
                        "dataset": run.dataset,
                        "value": row.value,
                        "other": row.other,
                    }
                    for number, row in zip(numbers, rows, strict=True)
                ],
            )
    return True
