"""Plain data: values that JSON can represent, frozen. Metadata may contain them and alleles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from clantune_core.data.frozen import FrozenDict
from clantune_core.errors import DataError, shown, step

MAX_DEPTH = 32
"""The largest number of levels of nested alleles, and of nested plain data."""

MAX_INTEGER_BITS = 1024
"""The largest size of an integer, in bits, so that programs in other languages can read it."""

MAX_VALUES = 250_000
"""The largest number of values: ten times those of a genome with a thousand genes and parents."""

TOO_MANY = f"there are more than {MAX_VALUES} values"


class PlainDict(FrozenDict[str, Any]):
    """A mapping from `freeze`, which contains only plain data at all levels.

    Attributes:
        room: An upper bound for its number of levels.
    """

    __slots__ = ("room",)

    def __init__(self, items: Iterable[tuple[str, Any]] = (), room: int = 1) -> None:
        super().__init__(items)
        self.room = room

    def __reduce__(self) -> tuple[Any, ...]:
        return (PlainDict, (tuple(self.items()), self.room))


class Fault:
    """Marks a value in parsed data that cannot be read, until `freeze` knows its path."""

    __slots__ = ("problem",)

    def __init__(self, problem: str) -> None:
        self.problem = problem


def freeze(value: object, path: str = "$", room: int = MAX_DEPTH) -> Any:
    """Return plain data in its frozen form: tuples for lists, `PlainDict` for mappings.

    Args:
        value: Anything.
        path: Path of the value, for messages.
        room: Number of levels of lists and mappings that it may have.

    Raises:
        DataError: A part is not plain data, not finite, nested too deep, or too large.
    """
    try:
        return _Freezer().freeze(value, room)
    except _Refusal as refusal:
        raise DataError(refusal.problem, path=refusal.path(path)) from None


class _Refusal(Exception):
    """A fault in nested data. It collects its path on the way up.

    Building the path of every value on the way down would take time that grows with the square of
    the size of the data.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.steps: list[str | int] = []

    def path(self, start: str) -> str:
        for name in reversed(self.steps):
            start = f"{start}[{name}]" if isinstance(name, int) else step(start, name)
        return start


class _Freezer:
    """Freezes one value and counts its parts, because lists may share parts many times."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def freeze(self, value: object, room: int) -> Any:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str | int | float):
            return _freeze_scalar(value)
        if isinstance(value, PlainDict) and value.room <= room:
            return value
        if not isinstance(value, list | tuple | Mapping):
            raise _Refusal(_not_plain(value))
        if not room:
            raise _Refusal("lists and mappings are nested too deep")
        self._left -= 1 + len(value)
        if self._left < 0:
            raise _Refusal(TOO_MANY)
        if isinstance(value, list | tuple):
            return tuple(self._frozen_list(value, room - 1))
        return PlainDict(self._frozen_items(value, room - 1), room)

    def _frozen_items(
        self, mapping: Mapping[object, object], room: int
    ) -> Iterable[tuple[str, Any]]:
        for key, item in mapping.items():
            if not isinstance(key, str):
                raise _Refusal(f"the key {shown(key)} is not a string")
            name = _freeze_text(key)
            try:
                yield name, self.freeze(item, room)
            except _Refusal as refusal:
                refusal.steps.append(name)
                raise

    def _frozen_list(self, items: Iterable[object], room: int) -> Iterable[Any]:
        for place, item in enumerate(items):
            try:
                yield self.freeze(item, room)
            except _Refusal as refusal:
                refusal.steps.append(place)
                raise


def freeze_text(text: str, path: str) -> str:
    """Return a string that can be encoded as UTF-8: it has no lone surrogate."""
    try:
        return _freeze_text(text)
    except _Refusal as refusal:
        raise DataError(refusal.problem, path=path) from None


def thaw(value: Any) -> Any:
    """Return frozen plain data as `json` returns it: lists and plain dictionaries."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [thaw(item) for item in value]
    return value


def _freeze_scalar(value: str | float) -> str | float:
    if isinstance(value, str):
        return _freeze_text(value)
    if isinstance(value, int):
        if value.bit_length() > MAX_INTEGER_BITS:
            raise _Refusal(f"an integer has more than {MAX_INTEGER_BITS} bits")
        return int(value)
    if not math.isfinite(value):
        raise _Refusal(f"{float(value)} is not a finite number")
    return float(value)


def _freeze_text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Refusal(f"a string has a lone surrogate: {shown(text)}") from None
    return str.__str__(text)  # `str(text)` of an enumeration's member is its name


def _not_plain(value: object) -> str:
    if isinstance(value, Fault):
        return value.problem
    return (
        f"{shown(value)} is a {type(value).__name__}; plain data is None, booleans, numbers, "
        "strings, and lists and mappings of these"
    )
