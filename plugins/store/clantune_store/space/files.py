"""Reading files of declarations: later files replace the values of earlier ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from clantune_store.errors import LoadError, RuleError
from clantune_store.space.declaration import KEYS, Declaration
from clantune_store.space.lines import read_lines
from clantune_store.space.names import full_name, require_apart
from clantune_store.space.rules import Rule
from clantune_store.space.suffixes import suffix_of
from clantune_store.space.tags import TAGS, Tag, read_tags, with_tags
from clantune_store.space.trees import Tree, read_json, read_toml

RULES = "rule"
"""Key of the list of rules in a file of tables."""

Given = tuple[str, Mapping[str, Any], str]
"""Name as it is written, what is declared by `KEYS`, and the place."""


def read_files(
    paths: Sequence[str],
    set: Mapping[str, Any] | None = None,  # noqa: A002  (as the option of the command)
    values: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Declaration], list[Rule]]:
    """Return what files declare, by full name, and their rules.

    A later source replaces the value of an earlier one, and keeps its min, max, options, unit and
    tags unless it gives them.

    Args:
        paths: Files in TOML or JSON, by their ending, or of lines `name = JSON`.
        set: JSON values by name that replace those of all files.
        values: JSON values by name that come before all files.

    Raises:
        LoadError: A source has a fault; the error begins with its place.
        RuleError: A rule is not an allowed expression; the error begins with its place.
    """
    declared: dict[str, Declaration] = {}
    rules: dict[Rule, None] = {}
    tags: list[Tag] = []
    _add(declared, _plain(values or {}, "value"))
    for path in paths:
        text = _text(path)
        ending = Path(path).suffix.lower()
        if ending not in (".toml", ".json"):
            lines = read_lines(text, path)
            _add(declared, ((name, {"value": value}, place) for name, value, place in lines))
            continue
        tree = (read_toml if ending == ".toml" else read_json)(text, path)
        _add(declared, _declared(tree, tree.data, ()))
        rules.update(dict.fromkeys(_rules(tree)))
        if _is_list_of_tables(tree.data.get(TAGS)):
            tags += read_tags(tree, tree.data[TAGS])
    _add(declared, _plain(set or {}, "--set"))
    require_apart(declared)
    return with_tags(declared, tags), [*rules]


def _add(declared: dict[str, Declaration], given: Iterable[Given]) -> None:
    """Add the declarations of one source to those of earlier ones."""
    here: dict[str, str] = {}
    for written, entries, place in given:
        name = full_name(written, place)
        if name in here:
            raise LoadError(
                f"{place}: the name {name} is declared twice, first at {here[name]}: remove one"
            )
        here[name] = place
        declared[name] = Declaration.of(name, entries, place, declared.get(name))


def _plain(values: Mapping[str, Any], source: str) -> Iterator[Given]:
    return ((name, {"value": value}, f"{source} {name}") for name, value in values.items())


def _declared(tree: Tree, table: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[Given]:
    """Yield the declarations of a table, and of those in it."""
    for key, held in table.items():
        keys = (*above, key)
        if keys in ((RULES,), (TAGS,)) and _is_list_of_tables(held):
            continue
        name, place = "__".join(keys), tree.place(keys)
        if not isinstance(held, dict):
            yield name, {"value": held}, place
        elif "value" in held and held.keys() <= {*KEYS}:
            yield name, held, place
        elif suffix_of(key).text == "_json":
            yield name, {"value": held}, place
        else:
            _require_no_misspelt_key(held, name, place)
            full_name(name, place)  # the name of a table without parameters, too
            yield from _declared(tree, held, keys)


def _require_no_misspelt_key(table: Mapping[str, Any], name: str, place: str) -> None:
    """Raise an error for a table such as `{ value = 3, mn = 0 }`."""
    if "value" not in table or isinstance(table["value"], dict):
        return
    for key in sorted(table.keys() - {*KEYS}):
        near = difflib.get_close_matches(key, KEYS, 1, cutoff=0.75)
        if near or table.keys() & {*KEYS[1:]}:
            meant = f"did you mean {near[0]}?" if near else f"it may have {', '.join(KEYS)}."
            raise LoadError(
                f"{place}: {name}: a declaration does not know the key {key}; {meant} If these are "
                "parameters, rename those that are called like a key"
            )


def _is_list_of_tables(held: object) -> bool:
    return isinstance(held, list) and all(isinstance(entry, dict) for entry in held)


def _rules(tree: Tree) -> Iterator[Rule]:
    held = tree.data.get(RULES)
    if not _is_list_of_tables(held):
        return
    for number, entry in enumerate(held or ()):
        place = tree.place((RULES, str(number), *[*entry][:1]))
        unknown = sorted(entry.keys() - {"require", "when"})
        if "require" not in entry or unknown:
            what = f"does not know {unknown[0]}" if unknown else "has no require"
            raise LoadError(
                f'{place}: a rule {what}: write require = "a > b", and perhaps when = "c == 1"'
            )
        if not all(isinstance(text, str) for text in entry.values()):
            raise LoadError(f"{place}: require and when of a rule must be texts")
        try:
            yield Rule(**entry)
        except RuleError as error:
            raise RuleError(f"{place}: {error}") from None


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LoadError(
            f"{path}:1: this is not text in UTF-8: byte {error.start} is none of it"
        ) from None
    except IsADirectoryError:
        raise LoadError(f"{path}: this is a folder; give the files in it") from None
    except OSError as error:
        raise LoadError(f"{path}: the file cannot be read: {error.strerror}") from None
