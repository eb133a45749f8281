"""Recording one run of a program: it is `running` at once, and then `ok` or `failed`."""

from __future__ import annotations

import contextlib
import json
import time
import traceback
import uuid
from collections.abc import Iterator
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.names import numbers_of
from clantune_store.database.tables import datasets, machines, measurements, metrics, runs
from clantune_store.database.text import require_text
from clantune_store.environment import variable
from clantune_store.errors import ReportError
from clantune_store.runs.heartbeat import heartbeat
from clantune_store.runs.machine import facts, process
from clantune_store.runs.result import Measurement, Result, measurements_of, pieces_of

UNFINISHED = ("running", "stale")
"""States of a run that may end; one that was taken for dead may have only been slow."""

LOG = 20_000
"""Characters of a traceback that are kept, from its end."""


@attrs.frozen
class _Run:
    """A run that has begun: its number, and that of its data set."""

    number: int
    dataset: int


@contextlib.contextmanager
def report(
    database: Database, group: int, *, dataset: str | None = None, family: str | None = None
) -> Iterator[Result]:
    """Record a run of a group.

    Args:
        database: Database of the group.
        group: Number of the group.
        dataset: Name of the data; None is the empty name.
        family: Name that results are kept together by; None: that of the data set.

    Yields:
        Result to fill.

    Raises:
        ReportError: The result is not plain data, or the run is done already.
    """
    run = _begin(database, group, dataset or "", family)
    result = Result()
    try:
        with heartbeat(database, run.number):
            yield result
        _end(database, run, "ok", measurements_of(result))
    except BaseException as error:
        told = "".join(traceback.format_exception(error))[-LOG:]
        _end(database, run, "failed", note={"error": told, **_partial(result)})
        raise


def _begin(database: Database, group: int, dataset: str, family: str | None) -> _Run:
    """Add a run, or begin the one that a worker has queued for this process."""
    queued = variable("RUN")
    require_text(dataset, "the data set", ReportError)
    require_text(family or "", "the family", ReportError)
    now = time.time()
    began = {"state": "running", "started": now, "heartbeat": now, "process": process()}
    machine = {"facts": facts()}
    with database.write() as connection:  # others wait, so what can be done before it is
        (began["machine"],) = numbers_of(connection, machines, [machine], database.numbers)
        if queued is not None:
            return _begin_queued(connection, queued, group, began)
        (data,) = numbers_of(connection, datasets, [{"name": dataset}], database.numbers)
        new = {
            "id": uuid.uuid4(),
            "group": group,
            "dataset": data,
            "family": dataset if family is None else family,
            "attempt": 1,
            **began,
        }
        key: Any = connection.execute(runs.insert(), new).inserted_primary_key
        return _Run(key[0], data)


def _begin_queued(
    connection: sa.Connection, queued: str, group: int, began: dict[str, object]
) -> _Run:
    number = int(queued) if queued.isascii() and queued.isdigit() and len(queued) < 19 else -1
    columns = (runs.c.number, runs.c.group, runs.c.dataset, runs.c.state)
    row = connection.execute(sa.select(*columns).where(runs.c.number == number)).one_or_none()
    if row is None:
        raise ReportError(f"CLANTUNE_RUN={queued!r} names no run of this database")
    if row.group != group:
        raise ReportError(
            f"CLANTUNE_RUN names run {row.number}, which is for group {row.group}; this is a "
            f"report of group {group}"
        )
    if row.state not in ("queued", "running"):
        raise ReportError(
            f"run {row.number} is {row.state} already: report once in a run, or unset CLANTUNE_RUN"
        )
    connection.execute(runs.update().where(runs.c.number == number), began)
    return _Run(number, row.dataset)


def _end(
    database: Database,
    run: _Run,
    state: str,
    rows: list[Measurement] | None = None,
    note: dict[str, object] | None = None,
) -> None:
    changed = {
        "state": state,
        "stopped": time.time(),
        "note": None if note is None else json.dumps(note),  # in ASCII: a traceback has any text
    }
    own = runs.update().where(runs.c.number == run.number, runs.c.state.in_(UNFINISHED))
    names = [{"algo": row.algo, "name": row.name} for row in rows or ()]
    with database.write() as connection:
        if not connection.execute(own, changed).rowcount and state == "ok":
            raise ReportError(f"run {run.number} is done already: report once in a run")
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


def _partial(result: Result) -> dict[str, object]:
    """Return what a run that fails has reported so far, and why some of it is left out."""
    kept: dict[str, object] = {}
    left_out = []
    for piece in pieces_of(result):
        try:
            for row in measurements_of(piece):
                name = f"{row.algo}.{row.name}".lstrip(".")
                kept[name] = row.other if row.value is None else row.value
        except ReportError as error:
            left_out.append(str(error))
    return {"partial": kept, **({"left_out": left_out} if left_out else {})}
