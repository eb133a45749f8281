"""Files of lines `name = JSON`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, Never

from clantune_store.errors import LoadError


def read_lines(text: str, path: str) -> Iterator[tuple[str, Any, str]]:
    """Yield name, value and place of each line; empty lines and comments are left out.

    Args:
        text: Text of the file.
        path: Path of the file, for places.

    Raises:
        LoadError: A line is not `name = JSON`.
    """
    for number, line in enumerate(text.split("\n"), 1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        place = f"{path}:{number}"
        name, equals, rest = content.partition("=")
        if not equals:
            raise LoadError(f"{place}: this line is not name = JSON: {_shown(content)}")
        yield name.strip(), _value(name.strip(), rest.strip(), place), place


def parse_json(text: str) -> tuple[Any, str]:
    """Return the JSON value at the beginning of a text, and the rest of the text.

    Raises:
        ValueError: There is none, or it has NaN, an infinity, or a key twice.
    """
    decoder = json.JSONDecoder(
        parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_distinct
    )
    try:
        value, end = decoder.raw_decode(text)
    except RecursionError:
        raise ValueError("lists and objects are nested too deep") from None
    return value, text[end:]


def _value(name: str, text: str, place: str) -> Any:
    try:
        value, rest = parse_json(text)
    except ValueError as error:
        advice = f'; write a text as "{text}"' if text.isidentifier() else ""
        raise LoadError(
            f"{place}: {name}: {_shown(text)} is not a JSON value: {_reason(error)}{advice}"
        ) from None
    if rest.strip() and not rest.lstrip().startswith("#"):
        raise LoadError(
            f"{place}: {name}: after the value stands {_shown(rest.strip())}; a comment begins "
            "with #"
        )
    return value


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is not a finite number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is too large")
    return number


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise ValueError(f"the key {key!r} occurs twice")
        made[key] = value
    return made


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.colno}"
    return str(error)


def _shown(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
