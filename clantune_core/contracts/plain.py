"""Reading plain data as the arguments of a frozen class, and checks of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import attrs

from clantune_core.errors import DataError, did_you_mean, shown


def entries(kind: type, given: object, needed: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a mapping as the arguments of an attrs class."""
    if not isinstance(given, Mapping):
        raise DataError(f"{shown(given)} is not a mapping")
    known = [field.name for field in attrs.fields(kind)]
    for name in given:
        if name not in known:
            raise DataError(
                f"there is no entry {shown(name)}{did_you_mean(name, known)} The entries are "
                f"{', '.join(known)}"
            )
    for name in needed:
        if name not in given:
            raise DataError(f"{name!r} is missing")
    return dict(given)


def is_number(value: object, low: float, high: float) -> TypeGuard[float]:
    """Whether a value is a number in an interval, and neither a flag nor NaN."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return low <= value <= high  # False for NaN


def is_a_flag(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """Require True or False."""
    if not isinstance(value, bool):
        raise DataError(f"{shown(value)} is not True or False", path=field.name)


def is_one_of(*choices: object) -> Any:
    """Return a validator that requires one of some values."""

    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        if value not in choices:
            known = ", ".join(map(repr, choices))
            raise DataError(f"{shown(value)} is not one of {known}", path=field.name)

    return check


def is_a_share(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """Require a number from 0 to 1."""
    if not is_number(value, 0.0, 1.0):
        raise DataError(f"{shown(value)} is not a number from 0 to 1", path=field.name)


def is_a_count(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """Require a whole number, 1 or more."""
    if type(value) is not int or value < 1:
        raise DataError(f"{shown(value)} is not a whole number, 1 or more", path=field.name)
