"""JSON text to plain data, for text that nobody vouches for."""

from __future__ import annotations

import json
import math
from typing import Any

from clantune_core._plain import MAX_DEPTH, Fault, freeze
from clantune_core.errors import DataError, shown

MAX_CHARACTERS = 8 * 2**20
"""A document of a thousand members' ancestry is a tenth of a megabyte: this is no limit in use."""

DOCUMENT_DEPTH = 4 * MAX_DEPTH
"""An allele in metadata is two levels of a document; plain data may follow below the last one."""

_MAX_DIGITS = 400


def parse(text: str | bytes) -> Any:
    """Return the plain data, frozen, that a JSON text holds.

    Raises:
        DataError: The text is damaged or too large, repeats a key, or holds what plain data cannot.
    """
    require_short(text)
    try:
        data = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=lambda name: Fault(f"{name} is not a finite number"),
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise DataError(f"not JSON, or cut short: {error.msg} at {place}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"not JSON: byte {error.start} is no text in UTF-8") from None
    except RecursionError:
        raise DataError("lists and mappings are nested too deep") from None
    return freeze(data, room=DOCUMENT_DEPTH)


def require_short(text: str | bytes) -> None:
    """Raise a `DataError` if a text is too long to be read."""
    if len(text) > MAX_CHARACTERS:
        raise DataError(f"the text is longer than {MAX_CHARACTERS} characters")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Fault:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            return Fault(f"the key {shown(key)} is there twice")
        made[key] = value
    return made


def _integer(digits: str) -> int | Fault:
    return int(digits) if len(digits) <= _MAX_DIGITS else Fault("an integer is too long")


def _float(digits: str) -> float | Fault:
    number = float(digits)
    return number if math.isfinite(number) else Fault("a number is too large")
