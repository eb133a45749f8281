"""Recording one run of a program: it is `running` at once, and then `ok` or `failed`."""

from __future__ import annotations

import contextlib
import time
import traceback
import uuid
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.names import numbers_of
from clantune_store.database.tables import datasets, machines, runs
from clantune_store.database.text import require_text
from clantune_store.environment import variable
from clantune_store.errors import ReportError
from clantune_store.runs.ending import UNFINISHED, Begun, end
from clantune_store.runs.heartbeat import heartbeat
from clantune_store.runs.machine import facts, is_dead, process
from clantune_store.runs.result import Result, measurements_of, pieces_of

LOG = 20_000
"""Characters of a traceback that are kept, from its end."""


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
        _end_well(database, run, result)
    except BaseException as error:
        told = "".join(traceback.format_exception(error))[-LOG:]
        end(database, run, "failed", note={"error": told, **_partial(result)})
        raise


def _begin(database: Database, group: int, dataset: str, family: str | None) -> Begun:
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
        return Begun(key[0], data)


def _begin_queued(
    connection: sa.Connection, queued: str, group: int, began: dict[str, object]
) -> Begun:
    number = int(queued) if queued.isascii() and queued.isdigit() and len(queued) < 19 else -1
    query = sa.select(runs).where(runs.c.number == number).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise ReportError(f"CLANTUNE_RUN={queued!r} names no run of this database")
    if row.group != group:
        raise ReportError(
            f"CLANTUNE_RUN names run {row.number}, which is for group {row.group}; this is a "
            f"report of group {group}"
        )
    if row.state not in UNFINISHED:
        raise ReportError(
            f"run {row.number} is {row.state} already: report once in a run, or unset CLANTUNE_RUN"
        )
    # A worker writes the process that it starts; only a report writes the machine. The process that
    # reports may be a child of the one that was started, or run on another machine.
    if row.state == "running" and row.machine is not None and is_dead(row.process) is not True:
        raise ReportError(
            f"run {row.number} is being reported by the process {row.process} already: report "
            "once in a run, and in one of several processes, or unset CLANTUNE_RUN"
        )
    connection.execute(runs.update().where(runs.c.number == number), began)
    return Begun(number, row.dataset)


def _end_well(database: Database, run: Begun, result: Result) -> None:
    if not end(database, run, "ok", measurements_of(result)):
        raise ReportError(f"run {run.number} is done already: report once in a run")


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
