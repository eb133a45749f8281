"""Reading a database of the older program: four tables, values as JSON texts."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from clantune_store.errors import StoreError

TABLES = {
    "param_meta": ("pid", "generated", "parents"),
    "params": ("pid", "param", "name", "value"),
    "run_meta": ("run", "pid", "start", "stop", "family", "dataset"),
    "results": ("run", "algo", "name", "value"),
}


@attrs.frozen
class OldGroup:
    """A group of the older program.

    Attributes:
        created: Seconds since 1970; 0 if it is not known.
        parents: `origin`, or the numbers `pA` and `pB` of the runs of its parents.
        values: Values by name; a choice is a list, and its head is chosen.
    """

    created: float
    parents: Mapping[str, Any]
    values: Mapping[str, Any]


@attrs.frozen
class OldRun:
    """A run of the older program.

    Attributes:
        group: Number of its group.
        dataset: Name of its data.
        family: Name that results are kept together by.
        started: Begin, in seconds since 1970, or None.
        stopped: End, in seconds since 1970, or None.
        results: Values by algo and name.
    """

    group: int
    dataset: str
    family: str
    started: float | None
    stopped: float | None
    results: Mapping[str, Mapping[str, Any]]


@attrs.frozen
class OldFile:
    """What a database of the older program has: groups and runs by their numbers there."""

    groups: Mapping[int, OldGroup]
    runs: Mapping[int, OldRun]


def read_gf(path: str | os.PathLike[str]) -> OldFile:
    """Return what a file has. The file stays as it is.

    Raises:
        StoreError: There is no such file, or it is damaged; the message names the table.
    """
    if not Path(path).is_file():
        raise StoreError(f"there is no file {os.fspath(path)} to import")
    read = _Reading(os.fspath(path))
    values, metas = read.params(), read.rows("param_meta")
    results, runs = read.results(), read.rows("run_meta")
    pids, numbers = {row["pid"] for row in metas}, {row["run"] for row in runs}
    read.require_known("params", "group", values, pids)
    read.require_known("run_meta", "group", (row["pid"] for row in runs), pids)
    read.require_known("results", "run", results, numbers)
    return OldFile(
        {
            row["pid"]: OldGroup(
                read.time("param_meta", row["generated"]) or 0.0,
                read.parents(row["pid"], row["parents"]),
                values.get(row["pid"], {}),
            )
            for row in metas
        },
        {
            row["run"]: OldRun(
                row["pid"],
                str(row["dataset"] or ""),
                str(row["family"] or ""),
                read.time("run_meta", row["start"]),
                read.time("run_meta", row["stop"]),
                results.get(row["run"], {}),
            )
            for row in runs
        },
    )


@attrs.frozen
class _Reading:
    path: str

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return all rows of a table, in the order of its key."""
        columns = TABLES[table]
        names = ", ".join(f"[{name}]" for name in columns)
        query = f'SELECT {names} FROM "{table}" ORDER BY 1, 2, 3'  # noqa: S608  (fixed names)
        address = f"{Path(self.path).absolute().as_uri()}?mode=ro"
        with (
            self._errors(table),
            contextlib.closing(sqlite3.connect(address, uri=True)) as connection,
        ):
            found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            self._require_table(table, {name for (name,) in found})
            return [dict(zip(columns, row, strict=True)) for row in connection.execute(query)]

    def params(self) -> dict[int, dict[str, Any]]:
        """Return the values of each group."""
        found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
        for row in self.rows("params"):
            name = f"{row['param']}__{row['name']}" if row["param"] else str(row["name"])
            try:
                found[row["pid"]][name] = json.loads(row["value"])
            except (TypeError, ValueError):
                raise self._error(
                    "params",
                    f"the value of {name!r} in group {row['pid']} is {row['value']!r}, "
                    "which is not JSON",
                ) from None
        return dict(found)

    def results(self) -> dict[int, dict[str, dict[str, Any]]]:
        """Return the results of each run. A text that is not JSON is a text."""
        found: defaultdict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
        for row in self.rows("results"):
            value = row["value"]
            if isinstance(value, str | bytes):
                with contextlib.suppress(ValueError):
                    value = json.loads(value)
            found[row["run"]].setdefault(str(row["algo"]), {})[str(row["name"])] = value
        return dict(found)

    def parents(self, group: int, text: object) -> Mapping[str, Any]:
        """Return where a group comes from."""
        if text in (None, ""):
            return {}
        try:
            told = json.loads(text)  # type: ignore[arg-type]  # the wrong type is an error as well
        except (TypeError, ValueError):
            told = None
        if not isinstance(told, dict):
            what = f"the parents of group {group} are {text!r}, which is not a JSON object"
            raise self._error("param_meta", what)
        return told

    def time(self, table: str, given: object) -> float | None:
        """Return seconds since 1970. A text without a time zone is in UTC, as SQLite writes it."""
        if given is None or given == "":
            return None
        with contextlib.suppress(TypeError, ValueError):  # a text that is not a number, see below
            return float(given)  # type: ignore[arg-type]  # the wrong type is an error as well
        try:
            time = datetime.datetime.fromisoformat(str(given))
        except ValueError:
            raise self._error(table, f"{given!r} is not a time") from None
        return (time if time.tzinfo else time.replace(tzinfo=datetime.UTC)).timestamp()

    def require_known(self, table: str, what: str, given: Any, known: set[Any]) -> None:
        """Require that rows belong to a group or run that exists."""
        for number in given:
            if number not in known:
                raise self._error(table, f"a row is of {what} {number!r}, which does not exist")

    def _require_table(self, table: str, there: set[str]) -> None:
        if table in there:
            return
        if {"store", "measurements"} <= there:
            raise StoreError(f"{self.path} is a store already: use `clantune store merge`")
        raise self._error(
            table, "it does not exist, so this is not a database of the older program"
        )

    def _error(self, table: str, reason: str) -> StoreError:
        return StoreError(f"{self.path}, table {table}: {reason}")

    @contextlib.contextmanager
    def _errors(self, table: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._error(table, str(error)) from error
