"""Texts that name something and its options, such as `memorise,points=64,loss=till_death`."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

from clantune_neuro.errors import NeuroError

T = TypeVar("T")


def made(text: str, kind: type[T], what: str, makers: Mapping[str, Callable[..., T]]) -> T:
    """Return what a text names.

    Args:
        text: A known name with options, or `FILE.py:NAME` or `MODULE:NAME` with options.
        kind: The class of what is named.
        what: What it is called in messages, such as `"task"`.
        makers: The known functions by name.

    Raises:
        NeuroError: There is nothing of this name, it is something else, or it does not take these
            options.
    """
    name, *pairs = text.split(",")
    options = dict(_option(pair, text) for pair in pairs)
    maker = _imported(name, what) if ":" in name else _known(name, what, makers)
    if isinstance(maker, kind):
        return maker
    if not callable(maker):
        raise NeuroError(f"{name!r} is {type(maker).__name__}, not a {what} or a function")
    _require_options(name, what, maker, options)
    try:
        found: object = maker(**options)
    except (TypeError, ValueError) as error:
        if isinstance(error, NeuroError):
            raise
        raise NeuroError(
            f"the {what} {name!r} cannot be made of {options}: {type(error).__name__}: {error}"
        ) from error
    if isinstance(found, kind):
        return found
    raise NeuroError(f"{name!r} returned {type(found).__name__}, not a {what}")


def _option(pair: str, text: str) -> tuple[str, Any]:
    """Return the name and the value of an option. A value that is JSON is read as such."""
    name, equals, value = pair.partition("=")
    if not (name and equals):
        raise NeuroError(f"{pair!r} in {text!r} is not an option; write NAME,OPTION=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _known(name: str, what: str, makers: Mapping[str, Callable[..., T]]) -> Callable[..., T]:
    if name in makers:
        return makers[name]
    near = difflib.get_close_matches(name, makers, 1)
    hint = f", did you mean {near[0]!r}?" if near else "."
    raise NeuroError(
        f"there is no {what} {name!r}{hint} There are {', '.join(makers)}; one of your own is "
        "FILE.py:NAME or MODULE:NAME"
    )


def _imported(name: str, what: str) -> Any:
    """Return an object of a module or of a file, which workers can import as well."""
    place, _, attribute = name.rpartition(":")
    module = _importable(place, what, name) if place.endswith(".py") else place
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise NeuroError(f"the {what} {name!r} cannot be imported: {error}") from error
    except AttributeError as error:
        raise NeuroError(f"{place!r} has nothing called {attribute!r}") from error


def _importable(place: str, what: str, name: str) -> str:
    """Return the name by which a file is imported here, and by workers, which get this path too."""
    path = Path(place).resolve()
    if not path.is_file():
        raise NeuroError(f"there is no file {place!r}, which the {what} {name!r} names")
    folder = str(path.parent)
    searched = [*sys.path]
    if folder not in sys.path:
        sys.path.insert(0, folder)
    found = importlib.util.find_spec(path.stem)
    if found is None or found.origin != str(path):
        sys.path[:] = searched
        raise NeuroError(
            f"{place!r} has the name of another module, {found and found.origin}; rename the file"
        )
    return path.stem


def absolute(text: str) -> str:
    """Return a text in which a file is named by its absolute path."""
    name, comma, options = text.partition(",")
    place, colon, attribute = name.rpartition(":")
    if not place.endswith(".py"):
        return text
    return f"{Path(place).resolve()}{colon}{attribute}{comma}{options}"


def _require_options(
    name: str, what: str, maker: Callable[..., Any], options: Mapping[str, Any]
) -> None:
    parameters = signature(maker).parameters
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return
    for option in options:
        if option not in parameters:
            raise NeuroError(
                f"the {what} {name!r} has no option {option!r}; it has {', '.join(parameters)}"
            )
