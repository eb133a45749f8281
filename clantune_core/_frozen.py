"""Plain data, frozen: what metadata may hold besides alleles, and what JSON can carry."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Never, TypeVar

from clantune_core.errors import DataError, shown

K = TypeVar("K")
V = TypeVar("V")

MAX_DEPTH = 32
"""How deep alleles may lie inside alleles, and plain data inside plain data."""

MAX_INTEGER_BITS = 1024
"""Integers of plain data stay within what a reader in another language can take in."""


class FrozenDict(dict[K, V]):
    """A dictionary that nobody can change, hashable if its values are.

    A `dict` inside, so that reading costs what a dictionary costs and `json` takes it as it is.
    """

    __slots__ = ()

    def _refuse(self, *_args: object, **_kwargs: object) -> Never:
        raise TypeError(
            "this mapping is read-only: make a new value, e.g. allele.with_metadata(...)"
        )

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __copy__(self) -> FrozenDict[K, V]:
        return self

    def __deepcopy__(self, memo: object) -> FrozenDict[K, V]:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (dict(self),))


class PlainDict(FrozenDict[str, Any]):
    """A mapping that `freeze` made: plain data all the way down."""

    __slots__ = ()


class Fault:
    """Stands in parsed data for what could not be taken in, until `freeze` knows its path."""

    def __init__(self, problem: str) -> None:
        self.problem = problem


def freeze(value: object, path: str = "$", room: int = MAX_DEPTH) -> Any:
    """Return plain data in its frozen form: tuples for lists, `PlainDict` for mappings.

    Args:
        value: Anything.
        path: Where the value lies, for messages.
        room: How many levels of lists and mappings it may have.

    Raises:
        DataError: Something is not plain data, not finite, or too deep or too large to be saved.
    """
    if value is None or isinstance(value, bool | PlainDict):
        return value
    if isinstance(value, str | int | float):
        return _freeze_scalar(value, path)
    if not isinstance(value, Mapping | list | tuple):
        raise DataError(_not_plain(value), path=path)
    if not room:
        raise DataError("lists and mappings are nested too deep", path=path)
    if isinstance(value, Mapping):
        return PlainDict(_frozen_items(value.items(), path, room - 1))
    return tuple(freeze(item, f"{path}[{i}]", room - 1) for i, item in enumerate(value))


def freeze_text(text: str, path: str) -> str:
    """Return text that every file and terminal can hold: no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(f"text has a lone surrogate: {ascii(text)[:80]}", path=path) from None
    return str(text)


def thaw(value: Any) -> Any:
    """Return frozen plain data as `json` gives it: lists and plain dictionaries."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [thaw(item) for item in value]
    return value


def _freeze_scalar(value: str | float, path: str) -> str | float:
    if isinstance(value, str):
        return freeze_text(value, path)
    if isinstance(value, int):
        if value.bit_length() > MAX_INTEGER_BITS:
            raise DataError(f"an integer of more than {MAX_INTEGER_BITS} bits", path=path)
        return int(value)
    if not math.isfinite(value):
        raise DataError(f"{value} is not a finite number", path=path)
    return float(value)


def _frozen_items(
    items: Iterable[tuple[object, object]], path: str, room: int
) -> Iterable[tuple[str, Any]]:
    for key, item in items:
        if not isinstance(key, str):
            raise DataError(f"the key {shown(key)} is no text", path=path)
        yield freeze_text(key, path), freeze(item, f"{path}.{key}", room)


def _not_plain(value: object) -> str:
    if isinstance(value, Fault):
        return value.problem
    return (
        f"{shown(value)} is a {type(value).__name__}; plain data is None, booleans, numbers, text, "
        "and lists and mappings of those"
    )
