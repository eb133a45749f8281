"""One wide table of runs: a column for each parameter and each result, of one type each."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import attrs

from clantune_store.database.text import readable
from clantune_store.exchange.selecting import Selection
from clantune_store.runs.listing import Run
from clantune_store.space.suffixes import suffix_of

Kind = Literal["whole", "number", "truth", "text", "time"]

LARGEST = 2**63 - 1
"""Whole numbers beyond it have no type in a table; they become texts of JSON."""

NOT_FINITE = ("nan", "inf", "-inf")
"""How a store keeps results that are not finite numbers."""

FIXED: dict[str, tuple[Kind, Callable[[Run], Any]]] = {
    "run": ("whole", lambda run: run.number),
    "id": ("text", lambda run: str(run.id)),
    "group": ("whole", lambda run: run.group),
    "dataset": ("text", lambda run: run.dataset),
    "family": ("text", lambda run: run.family),
    "state": ("text", lambda run: run.state),
    "started": ("time", lambda run: _time(run.started)),
    "stopped": ("time", lambda run: _time(run.stopped)),
}
"""Columns that every table has."""


@attrs.frozen
class Column:
    """A column.

    Attributes:
        name: Name, which no other column has.
        kind: Type of all its values.
        values: A value for each run; None where a run has none.
    """

    name: str
    kind: Kind
    values: tuple[Any, ...]


def wide(selection: Selection) -> list[Column]:
    """Return the columns of a table with a row for each run.

    A name that an earlier column has gets `parameter:` or `result:` before it.
    """
    columns = [
        Column(name, kind, tuple(of(run) for run in selection.runs))
        for name, (kind, of) in FIXED.items()
    ]
    taken = {*FIXED}
    for name in selection.parameters:
        values = [selection.values[run.group].get(name) for run in selection.runs]
        known = [name in selection.values[run.group] for run in selection.runs]
        free = free_name(name.replace("__", "."), "parameter:", taken)
        columns.append(_column(free, values, known, coded=suffix_of(name).coded))
    for algo, name in result_names(selection.runs):
        values = [run.results.get(algo, {}).get(name) for run in selection.runs]
        known = [name in run.results.get(algo, {}) for run in selection.runs]
        free = free_name(full_result(algo, name), "result:", taken)
        columns.append(_column(free, values, known))
    return columns


def result_names(runs: Iterable[Run]) -> list[tuple[str, str]]:
    """Return algo and name of all results, sorted."""
    return sorted(
        {(algo, name) for run in runs for algo, below in run.results.items() for name in below}
    )


def full_result(algo: str, name: str) -> str:
    """Return the name of a result with its algo, if it has one."""
    return f"{algo}.{name}" if algo else name


def free_name(name: str, before: str, taken: set[str]) -> str:
    """Return a name that is not taken, and take it."""
    found = readable(name)
    while found in taken:
        found = before + found
    taken.add(found)
    return found


def _time(seconds: float | None) -> datetime.datetime | None:
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _column(
    name: str, values: Sequence[Any], known: Sequence[bool], *, coded: bool = False
) -> Column:
    """Return a column of the narrowest type that holds all its values."""
    given = [value for value, is_known in zip(values, known, strict=True) if is_known]
    kind, convert = _type_of(given, coded=coded)
    cells = zip(values, known, strict=True)
    return Column(
        name, kind, tuple(convert(value) if is_known else None for value, is_known in cells)
    )


def _type_of(values: Sequence[Any], *, coded: bool) -> tuple[Kind, Callable[[Any], Any]]:
    for kind, holds, convert in TYPES:
        if (kind == "text" or not coded) and all(map(holds, values)):
            return kind, convert
    return "text", _json


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_whole(value) or value in NOT_FINITE


def _json(value: Any) -> str:
    return readable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


TYPES: tuple[tuple[Kind, Callable[[Any], bool], Callable[[Any], Any]], ...] = (
    ("truth", lambda value: isinstance(value, bool), bool),
    ("whole", _is_whole, int),
    ("number", _is_number, float),
    ("text", lambda value: isinstance(value, str), readable),
)
"""Types of a column, the first one that holds all its values; of anything else the JSON text."""
