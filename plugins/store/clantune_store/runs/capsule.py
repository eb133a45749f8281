"""A run that is carried out without the database: values go out, and results come back."""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.names import numbers_of
from clantune_store.database.tables import (
    campaigns,
    groups,
    machines,
    measurements,
    metrics,
    runs,
    spaces,
)
from clantune_store.errors import StoreError
from clantune_store.groups.adding import add_group
from clantune_store.runs.claims import Claim, claim, new_worker
from clantune_store.runs.ending import end
from clantune_store.runs.machine import facts
from clantune_store.runs.program import Programs
from clantune_store.runs.queue import queue_runs
from clantune_store.runs.result import Measurement
from clantune_store.space.space import Space


@attrs.frozen
class Capsule:
    """All that a run needs.

    Attributes:
        run: Id of the run.
        attempt: Attempt of it; with the id, it keeps an executor from using an older result.
        values: Values of the group by name, as JSON data.
        space: Document of the space of the group.
        dataset: Name of the data set.
        family: Name that its results are kept together by.
        command: Command.
        timeout: Seconds that the command may take, or None.
    """

    run: uuid.UUID
    attempt: int
    values: Mapping[str, Any] = attrs.field(hash=False)
    space: str
    dataset: str
    family: str
    command: str
    timeout: float | None


@attrs.frozen
class Outcome:
    """How a run has ended.

    Attributes:
        state: `"ok"` or `"failed"`.
        rows: What it has reported.
        note: What is known of a failure.
        machine: Facts about the machine, as JSON text.
        times: Begin and end, in seconds since 1970, by the clock of that machine.
        process: Name of the process.
    """

    state: str
    rows: tuple[Measurement, ...]
    note: Mapping[str, Any] | None = attrs.field(hash=False)
    machine: str
    times: tuple[float, float]
    process: str | None


def capsule_of(database: Database, claimed: Claim) -> Capsule:
    """Return the capsule of a run."""
    query = (
        sa.select(runs.c.id, groups.c.parameters, spaces.c.document)
        .join(groups, groups.c.number == runs.c.group)
        .join(spaces, spaces.c.id == groups.c.space)
        .where(runs.c.number == claimed.number)
    )
    with database.read() as connection:
        row = connection.execute(query).one()
    return Capsule(
        *(row.id, claimed.attempt, json.loads(row.parameters), row.document),
        *(claimed.dataset, claimed.family, claimed.command, claimed.timeout),
    )


def run_capsule(capsule: Capsule) -> Outcome:
    """Carry a run out on this machine, with a database of its own in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="clantune-run-") as folder:
        database = Database(f"sqlite:///{folder}/run.db?network=yes", create=True)
        try:
            return _run(database, capsule, Path(folder))
        finally:
            database.close()


def write_outcome(database: Database, claimed: Claim, outcome: Outcome) -> None:
    """Write what has come back, unless the run has ended meanwhile."""
    with database.write() as connection:
        (machine,) = numbers_of(
            connection, machines, [{"facts": outcome.machine}], database.numbers
        )
    started, stopped = outcome.times
    more = {
        "machine": machine,
        "started": started,
        "stopped": stopped,
        "process": outcome.process,
    }
    end(
        database,
        claimed.begun,
        outcome.state,
        outcome.rows,
        outcome.note,
        only=claimed.is_mine,
        more=more,
    )


def _run(database: Database, capsule: Capsule, folder: Path) -> Outcome:
    options = json.dumps({"timeout": capsule.timeout, "retries": 0})
    with database.write() as connection:
        space = Space.from_document(capsule.space)
        group, _ = add_group(connection, capsule.values, space, origin="load")
        made: Any = connection.execute(
            campaigns.insert().values(
                id=capsule.run,
                created=time.time(),
                command=capsule.command,
                options=options,
                seed=0,
                round=0,
            )
        ).inserted_primary_key
        queue_runs(connection, [(group, capsule.dataset)], made[0], capsule.family)
    worker = new_worker()
    claimed = claim(database, worker)
    if claimed is None:
        raise StoreError(f"run {capsule.run} has vanished from its own database")
    Programs(database, worker, folder / "logs").run(claimed)
    return _outcome(database)


def _outcome(database: Database) -> Outcome:
    with database.read() as connection:
        query = sa.select(runs, machines.c.facts).outerjoin(
            machines, machines.c.number == runs.c.machine
        )
        row = connection.execute(query).one()
        rows = connection.execute(
            sa.select(metrics.c.algo, metrics.c.name, measurements.c.value, measurements.c.other)
            .join(metrics, metrics.c.number == measurements.c.metric)
            .order_by(metrics.c.algo, metrics.c.name)
        ).all()
    note = json.loads(row.note) if row.note else None
    if note is not None:
        note.pop("file", None)  # it goes with the temporary folder
    return Outcome(
        row.state,
        tuple(Measurement(*each) for each in rows),
        note,
        row.facts or facts(),
        (row.started, row.stopped),
        row.process,
    )
