"""Checks of the values in the file of a run, which an editor or a full disk may have damaged."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from attrs import Attribute
from attrs.validators import optional

from clantune_clan.ramp import Ramp

YEAR_3000 = 32_503_680_000
"""Seconds since 1970."""

Check = Callable[[Any, "Attribute[Any]", Any], None]
"""A validator of a field of an attrs class."""


MOST = 2**63
"""Counts are below this. JSON allows whole numbers that no computation can use."""


def is_count(value: object) -> bool:
    """Whether a value is a whole number, 0 or more."""
    return type(value) is int and 0 <= value < MOST


def is_number(value: object) -> bool:
    """Whether a value is a finite number, also as a float."""
    is_bool = isinstance(value, bool)
    return isinstance(value, int | float) and not is_bool and abs(value) <= sys.float_info.max


def _is_moment(value: Any) -> bool:
    return is_number(value) and 0 <= value < YEAR_3000


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


def _is_ramp(ramp: Ramp) -> bool:
    ends = is_count(ramp.start) and (ramp.end is None or is_count(ramp.end))
    return ends and is_number(ramp.warmup) and is_number(ramp.cooldown)


def _check(what: str, holds: Callable[[Any], bool]) -> Check:
    """Return a validator that raises a `ValueError` unless a value is what the field says."""

    def check(_: Any, field: Attribute[Any], value: Any) -> None:
        if not holds(value):
            raise ValueError(f"{field.name} must be {what}, but is {value!r:.60}")

    return check


count = _check("a whole number, 0 or more", is_count)
positive = _check("a whole number, 1 or more", lambda value: is_count(value) and value > 0)
number = _check("a finite number", is_number)
flag = _check("true or false", lambda value: type(value) is bool)
text = _check("a text", lambda value: isinstance(value, str))
moment = _check("a time in seconds since 1970", _is_moment)
table = _check("a table", _is_table)
ramp = _check("a warm-up and a cooldown between two steps", _is_ramp)
texts = _check("a list of texts", lambda each: all(isinstance(one, str) for one in each))
classes = _check(
    "a list of names of classes",
    lambda each: all(isinstance(one, str) and one.isidentifier() for one in each),
)
numbers = _check("a list of finite numbers", lambda each: all(map(is_number, each)))
seconds = _check(
    "a table of finite numbers",
    lambda value: _is_table(value) and all(map(is_number, value.values())),
)
shares = _check(
    "a list of members, each with its share",
    lambda pairs: all(is_count(member) and is_number(share) for member, share in pairs),
)
count_if_any, positive_if_any, number_if_any = optional(count), optional(positive), optional(number)


def one_of(*choices: str) -> Check:
    """Return a validator of a field that has one of some texts."""
    return _check(" or ".join(map(repr, choices)), lambda value: value in choices)
