"""Names of parameters: parts with `__` between them, which become dots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from clantune_store.errors import LoadError

RESERVED = "report"
"""The one name that a program cannot use, because `Parameters.report` is a method."""


class Placed(Protocol):
    """Something that stands in a file."""

    @property
    def place(self) -> str:
        """Where, such as `"base.toml:3"`."""


def full_name(given: str, place: str) -> str:
    """Return a name with `__` for dots.

    Raises:
        LoadError: A parameter cannot have it.
    """
    name = given.strip().replace(".", "__")
    if not name:
        raise LoadError(f"{place}: a parameter has no name: write name = JSON")
    if not name.isprintable():
        raise LoadError(f"{place}: the name {given!r} has characters that cannot be printed")
    parts = name.split("__")
    if not all(parts):
        raise LoadError(
            f"{place}: the name {name} has an empty part: each part between two __ needs a letter"
        )
    if any(part.startswith("_") for part in parts):
        raise LoadError(
            f"{place}: the name {name} has a part that begins with _, which Python keeps for "
            "itself: rename it"
        )
    if parts[0] == RESERVED:
        raise LoadError(
            f"{place}: the name {name} is reserved, because a program reports its results with "
            f"{RESERVED}(): rename it"
        )
    return name


def require_apart(declared: Mapping[str, Placed]) -> None:
    """Raise an error if two names differ only in case, or one is the beginning of another.

    Raises:
        LoadError: They do; the error begins with the place of one, and has that of the other.
    """
    seen: dict[str, str] = {}
    for name, here in declared.items():
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise LoadError(
                f"{here.place}: the name {name} differs only in case from {other}, which is "
                f"declared at {declared[other].place}: rename one"
            )
        parts = name.split("__")
        for length in range(1, len(parts)):
            above = "__".join(parts[:length])
            if above in declared:
                raise LoadError(
                    f"{here.place}: the name {name} cannot be read by dot, because "
                    f"{above} is a value already, declared at {declared[above].place}: rename one"
                )
