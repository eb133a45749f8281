"""Types of parameters: the end of a name says which allele holds its value, and what is read."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from clantune_core import (
    AbstractAllele,
    AlleleError,
    BoolAllele,
    FloatAllele,
    LogFloatAllele,
    LogitFloatAllele,
    StringAllele,
)
from clantune_store.database.canonical import canonical
from clantune_store.errors import StoreError
from clantune_store.space.kinds import symlog

Make = Callable[[Any, Any], AbstractAllele]
"""From a JSON value, and a domain or None, to an allele."""

M = TypeVar("M", bound=Make)


def _as_it_is(value: Any) -> Any:
    return value


@attrs.frozen
class Suffix:
    """A type of parameters.

    Attributes:
        text: End of the names, such as `"_int"`; empty for numbers, which need none.
        make: Returns the allele of a value and a domain: (min, max), options, or None.
        read: Returns what the program gets for a stored value.
        takes: What a declaration may give beside the value: `"min"` for min and max, `"unit"`,
            `"options"`.
        coded: Whether the value of the allele is the JSON text of the stored value.
    """

    text: str
    make: Callable[..., AbstractAllele]
    read: Callable[[Any], Any] = _as_it_is
    takes: frozenset[str] = frozenset()
    coded: bool = False

    def allele(
        self,
        value: Any,
        domain: tuple[Any, Any] | None = None,
        options: tuple[Any, ...] | None = None,
        unit: float | None = None,
    ) -> AbstractAllele:
        """Return the allele of a value.

        Args:
            value: JSON value.
            domain: Smallest and largest value; None for an end that is open.
            options: JSON values to choose from.
            unit: Distance within which steps are about equal.

        Raises:
            AlleleError: The type cannot hold the value, or takes no such domain.
        """
        given = {"min": domain, "options": options, "unit": unit}
        for what, held in given.items():
            if held is not None and what not in self.takes:
                shown = "min and max" if what == "min" else what
                raise AlleleError(f"a {self.name} takes no {shown}")
        more = {} if unit is None else {"unit": unit}
        return self.make(value, options if domain is None else domain, **more)

    def stored(self, allele: AbstractAllele) -> Any:
        """Return the JSON value of an allele. Equal values have one form: 0.0 for -0.0."""
        value = json.loads(allele.value) if self.coded else allele.value
        return value + 0.0 if isinstance(value, float) else value

    def held(self, value: Any) -> Any:
        """Return the value of an allele for a stored value."""
        return canonical(value) if self.coded else value

    @property
    def name(self) -> str:
        """The type in words, for messages."""
        return f"value of type {self.text}" if self.text else "number"


_SUFFIXES: dict[str, Suffix] = {}


def suffix(text: str, *, read: Callable[[Any], Any] = _as_it_is) -> Callable[[M], M]:
    """Register a type of one's own. It decorates a function from (value, domain) to an allele.

    The domain is (min, max), or a tuple of options, or None if the declaration gives none.

    Args:
        text: End of the names, such as `"_percent"`.
        read: Returns what the program gets for a stored value; by default the value itself.

    Raises:
        StoreError: The text does not begin with `_`, or a type has it already.
    """
    given: object = text
    if not isinstance(given, str) or given[:1] != "_" or not given[1:] or "__" in given:
        raise StoreError(f'a suffix is a text such as "_percent", without "__"; got {given!r}')

    def register(make: M) -> M:
        known = _SUFFIXES.get(text)
        if known is not None and _place(known.make) != _place(make):
            raise StoreError(
                f"the suffix {text} is that of {'.'.join(_place(known.make))} already: choose "
                "another one"
            )
        _SUFFIXES[text] = Suffix(text, make, read, frozenset({"min", "options"}))
        return make

    return register


def suffix_of(name: str) -> Suffix:
    """Return the type of a parameter: that of the longest suffix, or a number if there is none.

    The suffix may be all of the last part of a name: `runtime__choice` is a choice.
    """
    whole = f"_{name}"
    found = max((text for text in _SUFFIXES if whole.endswith(text)), key=len, default="")
    return _SUFFIXES[found] if found else NUMBER


def _place(make: Make) -> tuple[str, str]:
    """Return where a function is, so that a module may be imported a second time."""
    return (getattr(make, "__module__", ""), getattr(make, "__qualname__", repr(make)))


# ---- The types that are built in ----


def _number(value: Any, domain: Any, unit: float | None = None) -> AbstractAllele:
    if not _is_number(value):
        raise AlleleError(
            f"{json.dumps(value)} is not a number; the name of another value ends with _bool, "
            "_choice, _str or _json"
        )
    return symlog(value, domain, unit, whole=False)


def _int(value: Any, domain: Any, unit: float | None = None) -> AbstractAllele:
    if not _is_number(value) or value != int(value):
        raise AlleleError(f"{json.dumps(value)} is not a whole number")
    return symlog(value, domain, unit, whole=True)


def _bool(value: Any, _: Any) -> AbstractAllele:
    if isinstance(value, bool | int | float) and value in (0, 1):
        return BoolAllele(bool(value))
    raise AlleleError(f"{canonical(value)} is neither true nor false, 1 nor 0")


def _choice(value: Any, options: Any) -> AbstractAllele:
    if not options:
        raise AlleleError("the options are empty: give a list such as ['fast', 'slow']")
    texts = [canonical(option) for option in options]
    for text in texts:
        if texts.count(text) > 1:
            raise AlleleError(f"the option {text} is repeated")
    if canonical(value) not in texts:
        raise AlleleError(f"{canonical(value)} is not among the options {', '.join(texts)}")
    return StringAllele(canonical(value), tuple(texts))


def _str(value: Any, _: Any) -> AbstractAllele:
    if not isinstance(value, str):
        raise AlleleError(f"{canonical(value)} is not a text")
    return _json(value, None)


def _json(value: Any, _: Any) -> AbstractAllele:
    return StringAllele(canonical(value), (canonical(value),))


def _from(lowest: float) -> Make:
    """Return the type of numbers from a whole number up to, but without, the next one."""

    def make(value: Any, domain: Any) -> AbstractAllele:
        low, high = domain or (None, None)
        last = math.nextafter(lowest + 1.0, lowest)
        for end, is_outside in ((value, operator.ge), (low, operator.ge), (high, operator.gt)):
            if isinstance(end, int | float) and (end < lowest or is_outside(end, lowest + 1)):
                raise AlleleError(
                    f"{end} is outside {lowest:g} .. {lowest + 1:g}, without {lowest + 1:g} itself"
                )
        last = last if high is None else min(high, last)
        return FloatAllele(value, (lowest if low is None else low, last))

    return make


def _log(value: Any, domain: Any) -> AbstractAllele:
    return LogFloatAllele(value, domain)


def _prob(value: Any, domain: Any) -> AbstractAllele:
    return LogitFloatAllele(value, domain)


def _to_float(value: Any) -> Any:
    """Return a number as a float; a value of a type that is not registered here as it is."""
    return float(value) if _is_number(value) else value


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < math.inf


_RANGE = frozenset({"min"})
_SCALED = frozenset({"min", "unit"})

NUMBER = Suffix("", _number, _to_float, _SCALED)
"""The type of a name without a suffix."""

_SUFFIXES.update(
    (made.text, made)
    for made in (
        Suffix("_int", _int, int, _SCALED),
        Suffix("_bool", _bool, bool),
        Suffix("_choice", _choice, takes=frozenset({"options"}), coded=True),
        Suffix("_real_0", _from(0.0), float, _RANGE),
        Suffix("_real_1", _from(1.0), float, _RANGE),
        Suffix("_log", _log, float, _RANGE),
        Suffix("_prob", _prob, float, _RANGE),
        Suffix("_str", _str, coded=True),
        Suffix("_json", _json, coded=True),
    )
)
