"""Untrusted JSON text to plain data."""

from __future__ import annotations

import json
import re
from typing import Any

from clantune_core.data.plain import MAX_DEPTH, MAX_VALUES, TOO_MANY, Fault, freeze
from clantune_core.errors import DataError, shown

MAX_CHARACTERS = 8 * 2**20
"""The longest text: about 80 times the document of a genome with a thousand parents."""

DOCUMENT_DEPTH = 4 * MAX_DEPTH
"""An allele in metadata takes two levels of a document; plain data may follow below the last."""

_MAX_DIGITS = 400

_MARK = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|([,\[{])', re.DOTALL)
"""Matches a whole string, or, as its group, a character that precedes a value."""

_LONG_INTEGER = Fault("an integer is too long")


def parse(text: str | bytes) -> Any:
    """Return the plain data in a JSON text, frozen.

    Raises:
        DataError: The text is damaged or too large, repeats a key, or is not plain data.
    """
    require_short(text)
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text), "surrogatepass")  # as `json.loads` does
        _require_few(text)
        data = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise DataError(f"not JSON, or truncated: {error.msg} at {place}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"not JSON: byte {error.start} is not valid UTF-8") from None
    except RecursionError:
        raise DataError("lists and mappings are nested too deep") from None
    return freeze(data, room=DOCUMENT_DEPTH)


def require_short(text: str | bytes) -> None:
    """Raise a `DataError` if a text is too long to be read."""
    if len(text) > MAX_CHARACTERS:
        raise DataError(f"the text is longer than {MAX_CHARACTERS} characters")


def _require_few(text: str) -> None:
    """Raise a `DataError` if there are too many values, before `json` creates objects."""
    if text.count(",") + text.count("[") + text.count("{") <= MAX_VALUES:
        return  # this also counts marks inside strings, so the true number is not larger
    marks = 0
    for place, found in enumerate(_MARK.finditer(text)):
        marks += found.lastindex == 1
        # `freeze` counts as many values as marks. Of two strings, at least one follows a mark.
        if marks > MAX_VALUES or place > 4 * MAX_VALUES:
            raise DataError(TOO_MANY)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Fault:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            return Fault(f"the key {shown(key)} occurs twice")
        made[key] = value
    return made


def _integer(digits: str) -> int | Fault:
    return int(digits) if len(digits) <= _MAX_DIGITS else _LONG_INTEGER
