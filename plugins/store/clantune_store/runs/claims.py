"""Workers share the runs of a queue: each run is claimed by one of them, and none is lost."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.canonical import canonical
from clantune_store.database.tables import campaigns, datasets, runs
from clantune_store.runs.ending import Begun, end
from clantune_store.runs.machine import process
from clantune_store.runs.stale import has_ended

RETRIES = 2
"""Times that a run whose process was lost is begun again, unless its campaign says otherwise."""

WAITING: dict[str, Any] = {
    "state": "queued",
    **dict.fromkeys(("process", "machine", "note", "started", "heartbeat", "stopped")),
}
"""What the row of a run has that waits for a worker."""


def new_worker() -> str:
    """Return a mark for the runs of one worker of this process, as the note of a run has it."""
    return canonical({"id": uuid.uuid4().hex, "worker": process()})


@attrs.frozen
class Claim:
    """A run that a worker has taken.

    Attributes:
        number: Number of the run.
        group: Number of its group.
        dataset: Name of its data set.
        data: Number of its data set.
        family: Name that its results are kept together by.
        attempt: 1, and one more for each time that its process was lost.
        command: Command of its campaign.
        timeout: Seconds that the command may take, or None.
        retries: Times that it is begun again after its process was lost.
    """

    number: int
    group: int
    dataset: str
    data: int
    family: str
    attempt: int
    command: str
    timeout: float | None = None
    retries: int = RETRIES

    @property
    def begun(self) -> Begun:
        """The run, as far as its end needs it."""
        return Begun(self.number, self.data)

    @property
    def is_mine(self) -> sa.ColumnElement[bool]:
        """Whether the row is still in the attempt that was claimed."""
        return sa.and_(runs.c.attempt == self.attempt, runs.c.state.in_(("running", "stale")))


def claim(database: Database, worker: str, campaign: int | None = None) -> Claim | None:
    """Take the first run that waits, or None.

    Args:
        database: Database.
        worker: Mark of the worker, from `new_worker`.
        campaign: The only campaign to take runs of; None: any.
    """
    waiting = sa.select(runs.c.number).where(*_waiting(campaign)).limit(1)
    with database.read() as connection:  # so that a worker without work does not lock the database
        if connection.execute(waiting).scalar() is None:
            return None
    query = (
        sa.select(runs, datasets.c.name, campaigns.c.command, campaigns.c.options)
        .join(datasets, datasets.c.number == runs.c.dataset)
        .join(campaigns, campaigns.c.number == runs.c.campaign)
        .where(*_waiting(campaign))
        .order_by(runs.c.number)
        .limit(1)
        .with_for_update(of=runs, skip_locked=True)  # of PostgreSQL; SQLite has one writer
    )
    now = time.time()
    taken = {"state": "running", "started": now, "heartbeat": now, "note": worker}
    with database.write() as connection:
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        own = runs.update().where(runs.c.number == row.number)
        connection.execute(own, {**taken, "process": process()})
    options = json.loads(row.options)
    return Claim(
        *(row.number, row.group, row.name, row.dataset, row.family, row.attempt, row.command),
        timeout=options.get("timeout"),
        retries=options.get("retries", RETRIES),
    )


def _waiting(campaign: int | None) -> list[sa.ColumnElement[bool]]:
    own = runs.c.campaign.is_not(None) if campaign is None else runs.c.campaign == campaign
    return [runs.c.state == "queued", own]


def begin(database: Database, claimed: Claim, worker: str, program: str) -> bool:
    """Write which process a run is; return whether the run still belongs to this worker.

    Args:
        database: Database.
        claimed: Run.
        worker: Mark of the worker.
        program: Name of the process, from `machine.process`.
    """
    own = runs.update().where(runs.c.number == claimed.number, claimed.is_mine)
    with database.write() as connection:
        mine = own.where(runs.c.note == worker, runs.c.process == process())
        return connection.execute(mine, {"process": program}).rowcount == 1


def beat(database: Database, claims: Iterable[Claim]) -> None:
    """Say that runs are alive."""
    numbers = [each.number for each in claims]
    own = runs.update().where(runs.c.number.in_(numbers), runs.c.state == "running")
    with database.write() as connection:
        connection.execute(own.values(heartbeat=time.time()))


def give_back(database: Database, worker: str, stopped: Iterable[Claim]) -> None:
    """Let runs that were stopped wait again, also those that have reported that they were.

    Args:
        database: Database.
        worker: Mark of the worker, whose claims are all given back.
        stopped: Runs whose programs have been ended.
    """
    with database.write() as connection:
        for each in stopped:
            own = runs.update().where(
                runs.c.number == each.number,
                runs.c.attempt == each.attempt,
                runs.c.state.in_(("running", "failed", "stale")),
            )
            connection.execute(own, WAITING)
        claimed = runs.update().where(runs.c.state == "running", runs.c.note == worker)
        connection.execute(claimed, WAITING)


def lose(database: Database, claimed: Claim, why: str) -> None:
    """Let a run whose process was lost wait again, or end it if that was the last attempt."""
    if claimed.attempt > claimed.retries:
        note = {"error": f"lost {claimed.attempt} times: {why}"}
        end(database, claimed.begun, "failed", note=note, only=claimed.is_mine)
        return
    own = runs.update().where(runs.c.number == claimed.number, claimed.is_mine)
    with database.write() as connection:
        connection.execute(own, {**WAITING, "attempt": claimed.attempt + 1})


def recover(database: Database, campaign: int | None = None) -> int:
    """Let runs wait again whose program and whose worker have died; return how many had.

    A run whose program lives is left alone: it reports by itself. One whose worker lives is left to
    it. A run that was claimed and never begun is not counted as an attempt.

    Args:
        database: Database.
        campaign: The only campaign to look at; None: all.
    """
    query = (
        sa.select(runs, campaigns.c.options)
        .join(campaigns, campaigns.c.number == runs.c.campaign)
        .where(runs.c.state.in_(("running", "stale")))
    )
    if campaign is not None:
        query = query.where(runs.c.campaign == campaign)
    with database.read() as connection:
        rows = connection.execute(query).all()
    now = time.time()
    dead = [row for row in rows if _is_lost(row, now)]
    for row in dead:
        _queue_again(database, row)
    return len(dead)


def _is_lost(row: Any, now: float) -> bool:
    worker = _worker_of(row)
    ended = has_ended(row.process, row.heartbeat, now)
    return ended and (worker is None or has_ended(worker, row.heartbeat, now))


def _worker_of(row: Any) -> str | None:
    note = json.loads(row.note or "{}")
    return note.get("worker") if isinstance(note, dict) else None


def _queue_again(database: Database, row: Any) -> None:
    """Change a row, unless another process has changed it meanwhile."""
    same = sa.and_(
        runs.c.state == row.state,
        runs.c.attempt == row.attempt,
        runs.c.process.is_not_distinct_from(row.process),
    )
    never_begun = row.process is not None and row.process == _worker_of(row)
    retries = json.loads(row.options).get("retries", RETRIES)
    if row.attempt > retries and not never_begun:
        note = {
            "error": f"its process was lost {row.attempt} times: it was killed, or its machine "
            "went away, while no worker was there to see it"
        }
        end(database, Begun(row.number, row.dataset), "failed", note=note, only=same)
        return
    attempt = row.attempt if never_begun else row.attempt + 1
    with database.write() as connection:
        own = runs.update().where(runs.c.number == row.number, same)
        connection.execute(own, {**WAITING, "attempt": attempt})
