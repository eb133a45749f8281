"""Files of nested tables, TOML and JSON, with the line of each key."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from clantune_store.errors import LoadError
from clantune_store.space.lines import parse_json

Path = tuple[str, ...]


@attrs.frozen
class Tree:
    """The content of a file.

    Attributes:
        data: Nested tables.
        path: Path of the file.
        lines: First line of a table or value, by the keys that lead there.
    """

    data: Mapping[str, Any]
    path: str
    lines: Mapping[Path, int] = attrs.field(factory=dict)

    def place(self, keys: Path) -> str:
        """Return the place of a table or value, or of the nearest one above it."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return f"{self.path}:{self.lines.get(keys, 1)}"


# ---- TOML ----


def read_toml(text: str, path: str) -> Tree:
    """Return the content of a TOML file.

    Raises:
        LoadError: It is not TOML.
    """
    text = text.replace("\r\n", "\n")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r" \(at line (\d+), column \d+\)$", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        reason = str(error).partition(" (at ")[0]
        raise LoadError(f"{path}:{line}: this is not TOML: {reason}") from None
    except RecursionError:
        raise LoadError(f"{path}:1: tables are nested too deep") from None
    lines: dict[Path, int] = {}
    above: Path = ()
    counts: dict[Path, int] = {}
    for line, content, statement in _statements(text):
        if content.startswith("["):
            above = _only_path(statement)
            if content.startswith("[["):
                place = counts.get(above, 0)
                counts[above] = place + 1
                above = (*above, str(place))
            lines.setdefault(above, line)
        else:
            for keys in _paths(statement):
                lines.setdefault((*above, *keys), line)
    return Tree(data, path, lines)


def _statements(text: str) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """Yield first line, text and content of each statement; a value may take several lines."""
    begun, held = 0, ""
    for number, line in enumerate(text.split("\n"), 1):
        if not held and (not line.strip() or line.lstrip().startswith("#")):
            continue
        begun = begun if held else number
        held = f"{held}{line}\n"
        try:
            statement = tomllib.loads(held)
        except tomllib.TOMLDecodeError:
            continue  # the whole text is TOML, so the statement goes on in the next line
        yield begun, held.strip(), statement
        held = ""


def _only_path(table: Any) -> Path:
    keys: list[str] = []
    while isinstance(table, dict) and table:
        (key,) = table
        keys.append(key)
        table = table[key]
    return tuple(keys)


def _paths(table: Mapping[str, Any]) -> Iterator[Path]:
    for key, inner in table.items():
        yield (key,)
        if isinstance(inner, dict):
            yield from ((key, *keys) for keys in _paths(inner))


# ---- JSON ----

_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|NaN|-?Infinity')
_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:\n]')


def read_json(text: str, path: str) -> Tree:
    """Return the content of a JSON file.

    Raises:
        LoadError: It is not a JSON object, or a key occurs twice in one object.
    """
    try:
        json.loads(text)
        lines = _json_lines(text, path)
        data, _ = parse_json(text.strip())
    except json.JSONDecodeError as error:
        raise LoadError(f"{path}:{error.lineno}: this is not JSON: {error.msg}") from None
    except RecursionError:
        raise LoadError(f"{path}:1: objects are nested too deep") from None
    except LoadError:
        raise
    except ValueError as error:
        line = _line_of_constant(text)
        raise LoadError(f"{path}:{line}: this is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise LoadError(f"{path}:1: this is not a JSON object of names and values")
    return Tree(data, path, lines)


def _line_of_constant(text: str) -> int:
    """Return the line of the first NaN or infinity that is not in a text, or 1."""
    found = (mark for mark in _CONSTANT.finditer(text) if not mark[0].startswith('"'))
    first = next(found, None)
    return 1 if first is None else text.count("\n", 0, first.start()) + 1


def _json_lines(text: str, path: str) -> dict[Path, int]:
    """Return the line of each key of a JSON text."""
    lines: dict[Path, int] = {}
    above: list[str | int] = []  # key or number in each open object or list
    line, last = 1, ""
    for found in _MARK.finditer(text):
        mark = found[0]
        if mark == "\n":
            line += 1
            continue
        if mark == ":":
            above[-1] = json.loads(last)
            keys = tuple(map(str, above))
            if keys in lines:
                raise LoadError(f"{path}:{line}: the key {last} occurs twice in one object")
            lines[keys] = line
        elif mark in "{[":
            above.append(0)  # in an object, until its first key
        elif mark in "}]":
            above.pop()
        elif mark == "," and isinstance(above[-1], int):
            above[-1] += 1
        last = mark
    return lines
