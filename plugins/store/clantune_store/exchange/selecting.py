"""The runs that are shown to other programs, with the values of their groups."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.tables import datasets, groups, runs, spaces
from clantune_store.errors import StoreError
from clantune_store.groups.finding import find_group
from clantune_store.questions.nearest import instead
from clantune_store.questions.scores import chunks
from clantune_store.runs.listing import Run, list_runs
from clantune_store.space.space import Space


@attrs.frozen
class Selection:
    """Runs, and the values that they had.

    Attributes:
        runs: Runs, in the order of their numbers.
        values: Values of parameters as JSON data, by number of the group and full name.
    """

    runs: Sequence[Run]
    values: Mapping[int, Mapping[str, Any]]

    @property
    def parameters(self) -> list[str]:
        """Full names of all parameters, sorted."""
        return sorted({name for values in self.values.values() for name in values})


def select(
    database: Database,
    *,
    state: str | None = "ok",
    dataset: str | None = None,
    family: str | None = None,
    group: int | str | None = None,
) -> Selection:
    """Return runs, with the values of their groups.

    Args:
        database: Database to read.
        state: Only runs in this state; None: all.
        dataset: Only runs of this data set.
        family: Only runs of this family.
        group: Only runs of this group: number, label, or the beginning of its id.

    Raises:
        StoreError: There is no such data set, family or group.
    """
    with database.read() as connection:
        number = None if group is None else find_group(connection, group).number
        _require(connection, datasets.c.name, dataset, ("data set", "data sets"))
        _require(connection, runs.c.family, family, ("family", "families"))
    found = list_runs(database, state=state, dataset=dataset, family=family, group=number)
    with database.read() as connection:
        rows = _groups(connection, found)
    return Selection(found, {row.number: json.loads(row.parameters) for row in rows})


def spaces_of(database: Database, selection: Selection) -> list[Space]:
    """Return the spaces of the groups of a selection, the newest one first."""
    query = sa.select(spaces.c.id, spaces.c.document).order_by(spaces.c.created.desc(), spaces.c.id)
    with database.read() as connection:
        ids = {row.space for row in _groups(connection, selection.runs)}
        rows = connection.execute(query).all()
    return [Space.from_document(row.document) for row in rows if row.id in ids]


def _require(
    connection: sa.Connection, column: sa.Column[str], name: str | None, what: tuple[str, str]
) -> None:
    if name is None:
        return
    known = connection.execute(sa.select(column).distinct()).scalars().all()
    if name not in known:
        one, several = what
        raise StoreError(f"there is no {one} {name!r}{instead(name, known, several)}")


def _groups(connection: sa.Connection, found: Sequence[Run]) -> list[Any]:
    query = sa.select(groups.c.number, groups.c.space, groups.c.parameters)
    return [
        row
        for some in chunks(sorted({run.group for run in found}))
        for row in connection.execute(query.where(groups.c.number.in_(some)))
    ]
