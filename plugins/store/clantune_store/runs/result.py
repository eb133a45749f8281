"""What a program reports: names and values, nested as it likes, flattened into rows."""

from __future__ import annotations

import json
import math
import numbers
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from clantune_store.database.text import require_text
from clantune_store.errors import ReportError


class Result(dict[str, Any]):
    """Results of a run: `result["co2"]["profit"] = 3.0`. A name that is missing is made."""

    def __missing__(self, name: str) -> Result:
        made = self[name] = Result()
        return made


@attrs.frozen
class Measurement:
    """One result.

    Attributes:
        algo: First name; empty for a value without one.
        name: Further names, with dots between them.
        value: Number, or None for what is not a finite number.
        other: JSON text of what the number does not say, or None.
    """

    algo: str
    name: str
    value: float | None
    other: str | None


def measurements_of(result: Mapping[str, Any]) -> list[Measurement]:
    """Return the rows of a result.

    Raises:
        ReportError: A name is not a text, or a value is not plain data.
    """
    try:
        return _rows(result)
    except ReportError:
        raise
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        raise ReportError(
            f"the result is not plain data: {type(error).__name__}: {error}"
        ) from error


def pieces_of(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Return a result as many results of one value, or of the values in one dictionary."""
    for algo, below in result.items():
        if isinstance(below, Mapping):
            yield from ({algo: {name: value}} for name, value in below.items())
        else:
            yield {algo: below}


def _rows(result: Mapping[str, Any]) -> list[Measurement]:
    rows = []
    for algo, below in result.items():
        if isinstance(below, Mapping):
            _require_text(algo, "result")
            for name, value in _flat(below, f"result[{algo!r}]"):
                rows.append(_measurement(algo, name, value))
        else:
            _require_text(algo, "result")
            rows.append(_measurement("", algo, below))
    named: set[tuple[str, str]] = set()
    for row in rows:
        if (row.algo, row.name) in named:
            raise ReportError(f"{row.algo or 'result'} has two values called {row.name!r}")
        named.add((row.algo, row.name))
    return rows


def _flat(below: Mapping[Any, Any], where: str) -> Iterator[tuple[str, Any]]:
    for name, value in below.items():
        _require_text(name, where)
        if isinstance(value, Mapping):
            for inner, deep in _flat(value, f"{where}[{name!r}]"):
                yield f"{name}.{inner}", deep
        else:
            yield name, value


def _require_text(name: object, where: str) -> None:
    if not isinstance(name, str) or not name:
        raise ReportError(f"a name in {where} is {name!r}; names are texts that are not empty")
    require_text(name, f"a name in {where}", ReportError)


def _measurement(algo: str, name: str, value: Any) -> Measurement:
    value = _plain(value)
    if value is None or isinstance(value, str | list):
        return Measurement(algo, name, None, _json(algo, name, value))
    if isinstance(value, bool):
        return Measurement(algo, name, float(value), json.dumps(value))
    if not isinstance(value, numbers.Real):
        raise _not_plain(algo, name, value)
    try:
        number = float(value)
    except OverflowError:
        return Measurement(algo, name, None, str(value))
    if not math.isfinite(number):
        return Measurement(algo, name, None, _json(algo, name, number))
    exact = not isinstance(value, numbers.Integral) or int(number) == value
    return Measurement(algo, name, number, None if exact else str(value))


def _plain(value: Any) -> Any:
    """Return the Python number in an array or tensor without dimensions, or the value itself."""
    if not isinstance(value, numbers.Number) and hasattr(value, "item") and not _size_of(value):
        return value.item()
    return list(value) if isinstance(value, tuple) else value


def _size_of(value: Any) -> int:
    return len(getattr(value, "shape", (0,)))


def _json(algo: str, name: str, value: object) -> str:
    try:
        # In ASCII, so that it can be stored whatever it holds.
        return json.dumps(_without_nan(value), allow_nan=False)
    except (TypeError, ValueError):
        raise _not_plain(algo, name, value) from None


def _without_nan(value: object) -> object:
    """Return a value with NaN and infinities as texts, which JSON has not."""
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _not_plain(algo: str, name: str, value: object) -> ReportError:
    place = f"result[{algo!r}][{name!r}]" if algo else f"result[{name!r}]"
    return ReportError(
        f"{place} is of {type(value).__name__}; a result is a number, a truth value, a text, a "
        "list of them, or a dictionary of results"
    )
