"""attrs fields that check the parameters of a strategy when it is created.

Each function returns an attrs field. A wrong value raises a `StrategyError` that names the
strategy, the parameter and the value:

    @attrs.frozen
    class Jitter(AbstractMutationStrategy):
        std: float = number_field(0.1)
"""

from __future__ import annotations

import math
from typing import Any

import attrs

from clantune_core import AbstractMutationStrategy, AbstractStrategy, StrategyError


def strategy_error(name: str, problem: str) -> StrategyError:
    """Return an error whose message begins with the name of the strategy."""
    return StrategyError(f"{name}: {problem}", strategy=name)


def number_field(
    default: Any = attrs.NOTHING,
    low: float = 0.0,
    high: float = math.inf,
    *,
    integer: bool = False,
    **options: Any,
) -> Any:
    """Return a field for a finite number from `low` to `high`.

    Args:
        default: Value if the parameter is left out; without one the parameter is required.
        low: Smallest valid number.
        high: Largest valid number.
        integer: Whether only an `int` is valid.
        options: Further arguments of `attrs.field`, such as `kw_only`.
    """
    kinds = int if integer else (int, float)
    article = "an integer" if integer else "a number"
    if math.isfinite(high):
        wanted = f"{article} from {low:g} to {high:g}"
    elif math.isfinite(low):
        wanted = f"{article} of {low:g} or more"
    else:
        wanted = "a finite number"

    def validate(strategy: object, field: attrs.Attribute[Any], value: Any) -> None:
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        if not (is_number and low <= value <= high and abs(value) < math.inf):
            raise _error(strategy, f"{field.name} must be {wanted}; got {value!r}")

    return attrs.field(default=default, validator=validate, **options)


def integer_field(default: Any = attrs.NOTHING, low: int = 1) -> Any:
    """Return a field for an integer of `low` or more."""
    return number_field(default, low, integer=True)


def flag_field(*, default: bool) -> Any:
    """Return a field for True or False."""

    def validate(strategy: object, field: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, bool):
            raise _error(strategy, f"{field.name} must be True or False; got {value!r}")

    return attrs.field(default=default, validator=validate)


def choice_field(default: str, *others: str) -> Any:
    """Return a field for one of several names."""
    choices = (default, *others)

    def validate(strategy: object, field: attrs.Attribute[Any], value: object) -> None:
        if value not in choices:
            raise _error(
                strategy, f"{field.name} must be one of {', '.join(choices)}; got {value!r}"
            )

    return attrs.field(default=default, validator=validate)


def subset_field(*choices: str) -> Any:
    """Return a field for a tuple of some of several names, empty by default."""

    def validate(strategy: object, field: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
        for name in value:
            if name not in choices:
                raise _error(
                    strategy, f"{field.name} may contain {', '.join(choices)}; got {name!r}"
                )

    return attrs.field(default=(), converter=tuple, validator=validate)


def gene_patterns_field(*default: str) -> Any:
    """Return a field for shell-style patterns of gene names, as a tuple or list."""

    def validate(strategy: object, field: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, tuple) or not all(isinstance(each, str) for each in value):
            raise _error(
                strategy,
                f'{field.name} must be patterns of gene names, such as ("lr", "*/lr"); '
                f"got {value!r}",
            )

    return attrs.field(
        default=default,
        converter=lambda value: tuple(value) if isinstance(value, list) else value,
        validator=validate,
    )


def strategy_field(base: type = AbstractStrategy, description: str = "a strategy") -> Any:
    """Return a required field for another strategy.

    Args:
        base: Class that the other strategy derives from.
        description: The same in words, for the error message.
    """

    def validate(strategy: object, field: attrs.Attribute[Any], value: object) -> None:
        if isinstance(value, type):
            name = value.__name__
            raise _error(
                strategy,
                f"{field.name} is the class {name}, not an instance; did you mean {name}()?",
            )
        if not isinstance(value, base):
            raise _error(strategy, f"{field.name} must be {description}; got {value!r}")

    return attrs.field(validator=validate)


def mutation_field() -> Any:
    """Return a required field for a mutation strategy."""
    return strategy_field(AbstractMutationStrategy, "a mutation strategy")


def _error(strategy: object, problem: str) -> StrategyError:
    return strategy_error(type(strategy).__name__, problem)
