"""A declaration: a parameter as files and arguments give it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from clantune_core import AbstractAllele, AlleleError, DataError
from clantune_store.database.canonical import canonical
from clantune_store.errors import LoadError
from clantune_store.space.suffixes import suffix_of

KEYS = ("value", "min", "max", "options", "unit", "tags")
"""Keys of a table that declares a parameter."""


@attrs.frozen
class Declaration:
    """One parameter.

    Attributes:
        name: Full name, with `__` between its parts.
        value: JSON value; of a choice the chosen option.
        min: Smallest value, or None.
        max: Largest value, or None.
        options: JSON values to choose from, or None.
        unit: Distance within which steps are about equal, or None.
        tags: Names of the inner algos that use it.
        place: Where it is declared, such as `"base.toml:3"`.
    """

    name: str
    value: Any
    min: Any = None
    max: Any = None
    options: tuple[Any, ...] | None = None
    unit: Any = None
    tags: tuple[str, ...] = ()
    place: str = ""

    @classmethod
    def of(
        cls, name: str, given: Mapping[str, Any], place: str, before: Declaration | None = None
    ) -> Declaration:
        """Return a checked declaration.

        Args:
            name: Full name.
            given: What the table says, by `KEYS`; a plain value is `{"value": ...}`.
            place: Where it stands.
            before: Declaration of the same name in an earlier file, whose keys stay as they are
                unless they are given again.

        Raises:
            LoadError: The type of the parameter cannot hold the value, or a key is impossible.
        """
        kept = {} if before is None else {key: getattr(before, key) for key in KEYS[1:]}
        made = {**kept, **given}
        for key, of_what in (("options", "values"), ("tags", "texts")):
            if made.get(key) is not None and not isinstance(made[key], list | tuple):
                raise LoadError(
                    f"{place}: {name}: the {key} must be a list of {of_what}; got "
                    f"{_shown(made[key])}"
                )
        _require_json(made, name, place)
        if suffix_of(name).text == "_choice" and "options" not in given:
            made.update(_chosen(name, made, place))
        options, tags = made.pop("options", None), made.pop("tags", ())
        if not all(isinstance(tag, str) and tag for tag in tags):
            raise LoadError(f"{place}: {name}: the tags must be a list of texts; got {[*tags]}")
        declared = cls(
            name,
            **made,
            options=None if options is None else tuple(options),
            tags=tuple(dict.fromkeys(tags)),
            place=place,
        )
        value = suffix_of(name).stored(declared.allele())
        return attrs.evolve(declared, value=value)

    def allele(self) -> AbstractAllele:
        """Return the allele of the parameter.

        Raises:
            LoadError: The type of the parameter cannot hold it.
        """
        low, high = self.min, self.max
        try:
            _require_order(low, high)
            _require_between(self.value, low, high)
            domain = None if low is None and high is None else (low, high)
            return suffix_of(self.name).allele(self.value, domain, self.options, self.unit)
        except DataError as error:
            raise LoadError(f"{self.place}: {self.name}: {error.problem}") from None
        except (AlleleError, TypeError, ValueError) as error:
            raise LoadError(f"{self.place}: {self.name}: {error}") from error


def _chosen(name: str, made: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return value and options of a choice whose table gives a value only."""
    value, known = made["value"], made.get("options")
    if known is not None and canonical(value) in map(canonical, known):
        return {"value": value, "options": known}
    if isinstance(value, list | tuple):
        if not value:
            raise LoadError(f"{place}: {name}: the options are empty: give a list with one or more")
        return {"value": value[0], "options": value}
    if known is None:
        raise LoadError(
            f"{place}: {name}: a choice is a list of options, and the first one is its value; got "
            f"{_shown(value)}"
        )
    return {}


def _require_json(made: Mapping[str, Any], name: str, place: str) -> None:
    for key in ("value", "options"):
        try:
            canonical(made.get(key))
        except (TypeError, ValueError):
            raise LoadError(
                f"{place}: {name}: {_shown(made[key])} is not a {key} in JSON, which has finite "
                "numbers, texts, true, false, null, lists and objects"
            ) from None


def _number(end: Any) -> float:
    if isinstance(end, bool) or not isinstance(end, int | float):
        raise AlleleError(f"min and max must be numbers; got {_shown(end)}")
    return end


def _require_order(low: Any, high: Any) -> None:
    ends = [_number(end) for end in (low, high) if end is not None]
    if len(ends) == 2 and low > high:
        raise AlleleError(f"min {_shown(low)} is above max {_shown(high)}")


def _require_between(value: Any, low: Any, high: Any) -> None:
    """Raise an error with all numbers if a number is outside; its type checks the rest."""
    if not isinstance(value, int | float):
        return
    below = low is not None and value < low
    if below or (high is not None and value > high):
        shown = ("-∞" if low is None else str(low), "∞" if high is None else str(high))
        raise AlleleError(f"{value} is outside {shown[0]} .. {shown[1]}")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 80 else f"{text[:77]}..."
