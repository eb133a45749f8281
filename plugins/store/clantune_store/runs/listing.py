"""The runs of a store, with what they have reported."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.tables import datasets, machines, measurements, metrics, runs

STATES = ("queued", "running", "ok", "failed", "stale")
AT_ONCE = 500


@attrs.frozen
class Run:
    """One run of a program.

    Attributes:
        number: Number for typing; it may differ in another database.
        id: Id of the run.
        group: Number of its group.
        dataset: Name of its data.
        family: Name that results are kept together by.
        state: `"queued"`, `"running"`, `"ok"`, `"failed"` or `"stale"`.
        started: Begin, in seconds since 1970, or None.
        stopped: End, in seconds since 1970, or None.
        machine: Facts about the machine.
        note: What is known of a failure: `error`, `partial` results, and why others are
            `left_out`.
        results: Values by algo and name. NaN and infinities are the texts `"nan"`, `"inf"` and
            `"-inf"`.
    """

    number: int
    id: uuid.UUID
    group: int
    dataset: str
    family: str
    state: str
    started: float | None
    stopped: float | None
    machine: Mapping[str, Any] = attrs.field(repr=False)
    note: Mapping[str, Any] = attrs.field(repr=False)
    results: Mapping[str, Mapping[str, Any]]


def list_runs(
    database: Database,
    *,
    state: str | None = None,
    dataset: str | None = None,
    family: str | None = None,
    group: int | None = None,
) -> list[Run]:
    """Return runs in the order of their numbers.

    Args:
        database: Database.
        state: Only those in this state.
        dataset: Only those of this data set.
        family: Only those of this family.
        group: Only those of the group with this number.
    """
    query = (
        sa.select(runs, datasets.c.name.label("data"), machines.c.facts)
        .join(datasets, datasets.c.number == runs.c.dataset)
        .outerjoin(machines, machines.c.number == runs.c.machine)
        .order_by(runs.c.number)
    )
    for column, value in (
        (runs.c.state, state),
        (datasets.c.name, dataset),
        (runs.c.family, family),
        (runs.c.group, group),
    ):
        if value is not None:
            query = query.where(column == value)
    with database.read() as connection:
        rows = connection.execute(query).all()
        results = _results(connection, [row.number for row in rows])
    return [
        Run(
            *(row.number, row.id, row.group, row.data, row.family, row.state),
            *(row.started, row.stopped),
            machine=json.loads(row.facts or "{}"),
            note=json.loads(row.note or "{}"),
            results=results[row.number],
        )
        for row in rows
    ]


def _results(
    connection: sa.Connection, numbers: Sequence[int]
) -> defaultdict[int, dict[str, dict[str, Any]]]:
    found: defaultdict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for begin in range(0, len(numbers), AT_ONCE):
        some = measurements.c.run.in_(numbers[begin : begin + AT_ONCE])
        for row in connection.execute(
            sa.select(measurements, metrics.c.algo, metrics.c.name)
            .join(metrics, metrics.c.number == measurements.c.metric)
            .where(some)
            .order_by(measurements.c.run, metrics.c.algo, metrics.c.name)
        ):
            value = row.value if row.other is None else json.loads(row.other)
            found[row.run].setdefault(row.algo, {})[row.name] = value
    return found
