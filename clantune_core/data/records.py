"""Reading untrusted plain data: every fault becomes a `DataError` with its path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from clantune_core.errors import ClanTuneError, DataError, shown, step

T = TypeVar("T")


class Record:
    """A mapping in a document, with its path, optional entries and required entries."""

    def __init__(
        self, data: object, path: str, known: Iterable[str] = (), needed: Iterable[str] = ()
    ) -> None:
        self._path = path
        self._data = mapping(data, path)
        if extra := sorted(self._data.keys() - {*known, *needed}):
            raise DataError(f"unknown entry {shown(extra[0])}", path=path)
        for name in needed:
            if name not in self:
                raise DataError(f"entry {name!r} is missing", path=path)

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def get(self, name: str) -> Any:
        """Return an entry, or None if it is missing."""
        return self._data.get(name)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Return an entry that is a mapping; an empty one if it is missing."""
        return mapping(self._data.get(name, {}), step(self._path, name))

    def text(self, name: str) -> str:
        """Return an entry that is a string."""
        value = self.get(name)
        if isinstance(value, str):
            return value
        raise DataError(f"{shown(value)} is not a string", path=step(self._path, name))


def mapping(value: object, path: str) -> Mapping[str, Any]:
    """Return a value that is a mapping."""
    if isinstance(value, Mapping):
        return value
    raise DataError(f"{shown(value)} is not a mapping", path=path)


def sequence(value: object, path: str) -> tuple[Any, ...]:
    """Return a value that is a list."""
    if isinstance(value, tuple):
        return value
    raise DataError(f"{shown(value)} is not a list", path=path)


def uuid(value: object, path: str) -> UUID:
    """Return the uuid in a string."""
    try:
        return UUID(cast("str", value))
    except (ValueError, AttributeError, TypeError):
        raise DataError(f"{shown(value)} is not a uuid", path=path) from None


def make(path: str, kind: Callable[..., T], *args: Any, **fields: Any) -> T:
    """Return `kind(...)`; any exception becomes a fault at this path."""
    try:
        return kind(*args, **fields)
    except Exception as error:
        raise fault(error, path) from error


def fault(error: Exception, path: str) -> DataError:
    """Return an error as a fault at this path, or below it."""
    return (
        error.below(path) if isinstance(error, DataError) else DataError(summary(error), path=path)
    )


def summary(error: BaseException) -> str:
    """Return the message of an error, with its type where the message alone may be unclear."""
    if isinstance(error, ClanTuneError | TypeError | ValueError) and str(error):
        return str(error)
    return f"{type(error).__name__}: {error}"
