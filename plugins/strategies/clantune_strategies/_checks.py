"""Checks of parameters, as attrs fields: a wrong one is refused where the strategy is made."""

from __future__ import annotations

import math
from typing import Any, Never

import attrs

from clantune_core import AbstractStrategy, StrategyError


def number(
    default: Any = attrs.NOTHING,
    low: float = 0.0,
    high: float = math.inf,
    *,
    whole: bool = False,
    **options: Any,
) -> Any:
    """Return a field for a number from `low` to `high`; a whole default makes it a whole one."""
    whole = whole or type(default) is int

    def check(strategy: object, field: attrs.Attribute[Any], value: Any) -> None:
        kind = int if whole else (int, float)
        is_number = isinstance(value, kind) and not isinstance(value, bool)
        if not (is_number and low <= value <= high and value < math.inf):
            wanted = f"a {'whole ' * whole}number from {low:g} to {high:g}"
            _refuse(strategy, f"{field.name} is {wanted}; got {value!r}")

    return attrs.field(default=default, validator=check, **options)


def names(*known: str) -> Any:
    """Return a field for some of a few names, none by default."""

    def check(strategy: object, field: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
        for name in value:
            if name not in known:
                _refuse(strategy, f"{field.name} are some of {', '.join(known)}; got {name!r}")

    return attrs.field(default=(), converter=tuple, validator=check)


def one_of(default: str, *others: str) -> Any:
    """Return a field for one of a few names."""
    known = (default, *others)

    def check(strategy: object, field: attrs.Attribute[Any], value: object) -> None:
        if value not in known:
            _refuse(strategy, f"{field.name} is one of {', '.join(known)}; got {value!r}")

    return attrs.field(default=default, validator=check)


def switch(*, default: bool) -> Any:
    """Return a field for yes or no."""

    def check(strategy: object, field: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, bool):
            _refuse(strategy, f"{field.name} is True or False; got {value!r}")

    return attrs.field(default=default, validator=check)


def patterns(*default: str) -> Any:
    """Return a field for patterns of names of genes."""

    def check(strategy: object, field: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, tuple) or not all(isinstance(each, str) for each in value):
            _refuse(
                strategy, f'{field.name} are patterns of genes, as ("lr", "*/lr"); got {value!r}'
            )

    return attrs.field(
        default=default,
        converter=lambda value: tuple(value) if isinstance(value, list) else value,
        validator=check,
    )


def held(kind: type = AbstractStrategy, what: str = "a strategy") -> Any:
    """Return a field for the strategy that a wrapper holds, of a kind that is called `what`."""

    def check(strategy: object, field: attrs.Attribute[Any], value: object) -> None:
        if isinstance(value, type):
            name = value.__name__
            _refuse(
                strategy,
                f"{field.name} is the class {name}; have you forgotten the parentheses: {name}()?",
            )
        if not isinstance(value, kind):
            _refuse(strategy, f"{field.name} is {what}; got {value!r}")

    return attrs.field(validator=check)


def _refuse(strategy: object, problem: str) -> Never:
    name = type(strategy).__name__
    raise StrategyError(f"{name}: {problem}", strategy=name)
