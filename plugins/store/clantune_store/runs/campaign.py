"""A campaign: a command that is run on the groups of a store, round after round."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.canonical import canonical, id_of
from clantune_store.database.names import insert
from clantune_store.database.tables import campaigns, datasets, runs
from clantune_store.errors import StoreError
from clantune_store.questions.nearest import instead
from clantune_store.runs.queue import queue_runs, without_results

MATTERS = ("metric", "top", "children", "lowest", "families", "data", "allow", "deny", "breeding")
"""Options that make a campaign another one. The others may change when it goes on."""

SEEDS = range(2**31)


@attrs.frozen
class Campaign:
    """A row of the table of campaigns.

    Attributes:
        number: Number for typing; it may differ in another database.
        id: Id, which follows from the command, the options that matter, and the seed.
        command: Command; `{}` stands for the data set.
        options: Options, as JSON data.
        seed: Seed of its rounds.
        round: Rounds that have been bred; the runs of the last one may still be waiting.
        is_new: Whether it has just been begun.
    """

    number: int
    id: uuid.UUID
    command: str
    options: Mapping[str, Any] = attrs.field(repr=False)
    seed: int
    round: int
    is_new: bool = False

    @property
    def datasets(self) -> Sequence[str]:
        """Names of the data sets that each group runs on."""
        names: Sequence[str] = self.options["datasets"]
        return names


def open_campaign(
    database: Database, command: str, options: Mapping[str, Any], seed: int, *, new: bool = False
) -> Campaign:
    """Begin a campaign, or return the one that has the same command, options and seed.

    A new one and its first runs, those of groups that have no results on a data set yet, are
    written in one transaction.

    Args:
        database: Database.
        command: Command.
        options: Options. Those that do not make another campaign are kept for its workers.
        seed: Seed.
        new: Whether to begin another one in any case.

    Raises:
        StoreError: There is no group or no data set.
    """
    matters = {name: options[name] for name in MATTERS}
    with database.write() as connection:
        count, row = _newest(connection, [command, matters, seed])
        if row is not None and not new:
            return _go_on(connection, row, options)
        names = _datasets(connection, command, options)
        pairs = without_results(connection, names)
        new_row = insert(connection, campaigns).values(
            id=_id([command, matters, seed], count + 1),
            created=time.time(),
            command=command,
            options=canonical({**options, "datasets": names}),
            seed=seed,
            round=0,
        )
        added = connection.execute(new_row.returning(campaigns.c.number)).scalar()
        if added is not None:  # no other process has begun it at the same moment
            queue_runs(connection, pairs, added, _family(options))
        _, row = _newest(connection, [command, matters, seed])
    if row is None:
        raise StoreError("the campaign has vanished while it was begun: begin it again")
    return attrs.evolve(_of(row), is_new=True)


def read_campaign(database: Database, number: int) -> Campaign:
    """Return a campaign as it is now."""
    with database.read() as connection:
        return _of(connection.execute(_select().where(campaigns.c.number == number)).one())


def next_round(connection: sa.Connection, campaign: Campaign) -> bool:
    """Count one more round, unless another process has done so.

    Args:
        connection: Transaction that writes. The groups and runs of the round are part of it.
        campaign: Campaign, as it was when the round was bred.
    """
    own = campaigns.update().where(
        campaigns.c.number == campaign.number, campaigns.c.round == campaign.round
    )
    return connection.execute(own.values(round=campaign.round + 1)).rowcount == 1


def queue_groups(connection: sa.Connection, campaign: Campaign, groups: Iterable[int]) -> int:
    """Add a run of each group on each data set of a campaign; return how many."""
    pairs = product(groups, campaign.datasets)
    return queue_runs(connection, pairs, campaign.number, _family(campaign.options))


def count_states(database: Database, campaign: int) -> dict[str, int]:
    """Return how many runs of a campaign are in each state."""
    query = sa.select(runs.c.state, sa.func.count()).where(runs.c.campaign == campaign)
    with database.read() as connection:
        return {row[0]: row[1] for row in connection.execute(query.group_by(runs.c.state))}


def _family(options: Mapping[str, Any]) -> str | None:
    """Return the family of new runs; None: that of their data set."""
    families: Sequence[str] = options["families"]
    return families[0] if families else None


def _select() -> sa.Select[Any]:
    return sa.select(campaigns)


def _of(row: Any) -> Campaign:
    options = json.loads(row.options)
    return Campaign(row.number, row.id, row.command, options, row.seed, row.round)


def _id(identity: Sequence[Any], count: int) -> uuid.UUID:
    return id_of(canonical(["campaign", *identity, count]))


def _newest(connection: sa.Connection, identity: Sequence[Any]) -> tuple[int, Any]:
    """Return how many campaigns are the same but for `new`, and the row of the last of them."""
    count, last = 0, None
    while True:
        query = _select().where(campaigns.c.id == _id(identity, count + 1))
        row = connection.execute(query.with_for_update()).one_or_none()
        if row is None:
            return count, last
        count, last = count + 1, row


def _go_on(connection: sa.Connection, row: Any, options: Mapping[str, Any]) -> Campaign:
    """Return a campaign with the options of this call that may change, such as its rounds."""
    kept = json.loads(row.options)["datasets"]
    changed = {**options, "datasets": kept}
    own = campaigns.update().where(campaigns.c.number == row.number)
    connection.execute(own.values(options=canonical(changed)))
    return attrs.evolve(_of(row), options=changed)


def _datasets(connection: sa.Connection, command: str, options: Mapping[str, Any]) -> Sequence[str]:
    """Return the data sets to run on: those that are given, or those that the store has."""
    query = sa.select(datasets.c.name).order_by(datasets.c.number)
    known = [name for name in connection.execute(query).scalars() if name]
    given = options["data"]
    if not given and not known:
        if "{}" in command:
            raise StoreError(
                "the store has no data set yet, and the command has a place for one, {}: name "
                "some with --data NAME"
            )
        return [""]
    found = [
        name
        for name in dict.fromkeys(given or known)
        if any(part in name for part in options["allow"] or [""])
        and not any(part in name for part in options["deny"])
    ]
    if not found:
        limits = [*options["allow"], *options["deny"]]
        raise StoreError(
            f"no data set is left by the limits {limits}"
            f"{instead(' '.join(limits), given or known, 'data sets')}"
        )
    return found
