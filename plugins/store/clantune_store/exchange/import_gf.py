"""Importing a database of the older program."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.canonical import canonical, id_of
from clantune_store.database.names import insert, numbers_of
from clantune_store.database.tables import (
    datasets,
    groups,
    labels,
    measurements,
    metrics,
    parents,
    runs,
    spaces,
)
from clantune_store.errors import ReportError, StoreError
from clantune_store.exchange.gf_file import OldFile, OldGroup, OldRun, read_gf
from clantune_store.exchange.merge import merge
from clantune_store.runs.result import Measurement, measurements_of
from clantune_store.space.declaration import Declaration
from clantune_store.space.names import full_name, require_apart
from clantune_store.space.space import Space
from clantune_store.space.suffixes import suffix_of

AT_ONCE = 500


@attrs.frozen
class Imported:
    """What an import has done.

    Attributes:
        groups: Number of groups that are new in the database.
        runs: Number of runs that are new in the database.
        results: Number of results of these runs.
        conflicts: Labels of several groups, as texts.
    """

    groups: int
    runs: int
    results: int
    conflicts: tuple[str, ...] = ()


def import_gf(into: Database, path: str | os.PathLike[str]) -> Imported:
    """Add what a database of the older program has.

    The number 3 of a group in `old.gf` becomes its label `old/3`. Ids follow from what is in the
    file, so a second import adds nothing. A parent whose run is not in the file any more is left
    out.

    Raises:
        StoreError: The file is damaged, or a value is not what its name says. Nothing is added.
    """
    old = read_gf(path)
    with tempfile.TemporaryDirectory(prefix="clantune-store-") as folder:
        # Only this process uses the file, so a network disk does no harm.
        made = Database(f"sqlite:///{folder}/imported.db?network=yes", create=True)
        try:
            with made.write() as connection:
                results = _Importing(connection, Path(path)).write(old)
            with into.read() as connection:
                known = _known(connection, [*results])
            merged = merge(into, made)
        finally:
            made.close()
    new = sum(count for id_, count in results.items() if id_ not in known)
    return Imported(merged.groups, merged.runs, new, merged.conflicts)


def _known(connection: sa.Connection, ids: list[uuid.UUID]) -> set[uuid.UUID]:
    """Return the ids of runs that are in a database."""
    found: set[uuid.UUID] = set()
    for begin in range(0, len(ids), AT_ONCE):
        some = sa.select(runs.c.id).where(runs.c.id.in_(ids[begin : begin + AT_ONCE]))
        found.update(connection.execute(some).scalars())
    return found


@attrs.frozen
class _Importing:
    """Writes an old file into an empty database."""

    connection: sa.Connection
    path: Path

    def write(self, old: OldFile) -> dict[uuid.UUID, int]:
        """Write groups, runs and parents; return the number of results of each run."""
        group_ids = {number: self._group(number, group) for number, group in old.groups.items()}
        counts, run_ids = {}, {}
        for number, run in old.runs.items():
            rows = self._measurements(number, run)
            id_ = run_ids[number] = _id_of_run(number, run, group_ids[run.group], rows)
            counts[id_] = len(rows)
            self._run(id_, run, group_ids[run.group], rows)
        for number, group in old.groups.items():
            chosen = [group.parents.get(name) for name in ("pA", "pB")]
            found = [
                (group_ids[old.runs[run].group], run_ids[run])
                for run in chosen
                if isinstance(run, int) and run in old.runs
            ]
            self._parents(group_ids[number], found)
        return counts

    def _group(self, number: int, group: OldGroup) -> uuid.UUID:
        place = f"{self.path}, table params, group {number}"
        declared = {name: _declaration(name, value, place) for name, value in group.values.items()}
        require_apart(declared)
        space = Space.of(declared, [])
        text = canonical(space.values)
        id_ = id_of(text)
        row = {"id": space.id, "created": group.created, "document": space.document}
        self.connection.execute(insert(self.connection, spaces).values(row))
        bred = "pA" in group.parents
        row = {
            "id": id_,
            "space": space.id,
            "created": group.created,
            "origin": "breed" if bred else str(group.parents.get("origin", "import")),
            "parameters": text,
        }
        self.connection.execute(insert(self.connection, groups).values(row))
        label = {"label": f"{self.path.stem}/{number}", "group": self._number_of(id_)}
        self.connection.execute(labels.insert().values(label))
        return id_

    def _number_of(self, group: uuid.UUID) -> int:
        query = sa.select(groups.c.number).where(groups.c.id == group)
        number: int = self.connection.execute(query).scalar_one()
        return number

    def _measurements(self, number: int, run: OldRun) -> list[Measurement]:
        named = {algo: some for algo, some in run.results.items() if algo}
        try:
            return measurements_of({**run.results.get("", {}), **named})
        except ReportError as error:
            raise StoreError(f"{self.path}, table results, run {number}: {error}") from error

    def _run(self, id_: uuid.UUID, run: OldRun, group: uuid.UUID, rows: list[Measurement]) -> None:
        (dataset,) = numbers_of(self.connection, datasets, [{"name": run.dataset}])
        values = {
            "id": id_,
            "group": self._number_of(group),
            "dataset": dataset,
            "family": run.family,
            "state": "ok",
            "attempt": 1,
            "started": run.started,
            "stopped": run.stopped,
        }
        self.connection.execute(runs.insert().values(values))
        query = sa.select(runs.c.number).where(runs.c.id == id_)
        number = self.connection.execute(query).scalar_one()
        found = numbers_of(
            self.connection, metrics, [{"algo": row.algo, "name": row.name} for row in rows]
        )
        if rows:
            self.connection.execute(
                measurements.insert(),
                [
                    {
                        "metric": metric,
                        "run": number,
                        "dataset": dataset,
                        "value": row.value,
                        "other": row.other,
                    }
                    for metric, row in zip(found, rows, strict=True)
                ],
            )

    def _parents(self, child: uuid.UUID, found: list[tuple[uuid.UUID, uuid.UUID]]) -> None:
        weights: dict[uuid.UUID, float] = {}
        justified = dict(reversed(found))
        for parent, _ in found:
            weights[parent] = weights.get(parent, 0.0) + 1 / len(found)
        for parent, weight in weights.items():
            if parent != child:  # breeding may end with the values of a parent
                row = {
                    "child": child,
                    "parent": parent,
                    "part": "",
                    "weight": weight,
                    "run": justified[parent],
                }
                self.connection.execute(insert(self.connection, parents).values(row))


def _declaration(name: str, value: Any, place: str) -> Declaration:
    given = {"value": value}
    if isinstance(value, list) and value and suffix_of(name).text == "_choice":
        options = {canonical(option): option for option in value}
        given = {"value": value[0], "options": [*options.values()]}
    return Declaration.of(full_name(name, place), given, place)


def _id_of_run(number: int, run: OldRun, group: uuid.UUID, rows: list[Measurement]) -> uuid.UUID:
    """Return an id that follows from what is known of a run."""
    said = sorted([row.algo, row.name, row.value, row.other] for row in rows)
    about = [run.dataset, run.family, run.started, run.stopped]
    return id_of(canonical([number, group.hex, *about, said]))
