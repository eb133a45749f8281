"""Choosing who breeds: strategies, a recipe, a saved evolution, or a rule of this package."""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from clantune_core import (
    AbstractStrategy,
    ClanTuneError,
    Evolution,
    from_json,
    load_recipe,
    load_strategy,
)
from clantune_store.breeding.breeder import MakeBreeder
from clantune_store.breeding.genetic import default_evolution, genetic
from clantune_store.errors import StoreError

Strategy = str | AbstractStrategy

OTHERS = {
    "seed": "clantune_store.breeding.seed_rule:seed_rule",
    "optuna": "clantune_store.breeding.optuna_sampler:optuna_sampler",
}
"""Breeders that are not strategies, by name: functions from the text after the colon."""

_COMMA = re.compile(r",(?=\s*[A-Za-z_]\w*=)")
"""What stands between two parameters; a comma within a list is not followed by a name and =."""


def breeder_of(
    strategies: Sequence[Strategy] = (),
    recipe: str | None = None,
    evolution: str | os.PathLike[str] | Evolution | None = None,
) -> MakeBreeder:
    """Return what makes the breeder that is chosen; without a choice, the default strategies.

    Args:
        strategies: Strategies in their order, or as texts `NAME` or `NAME:key=value,key=value`
            with values in JSON; or one of `OTHERS` alone.
        recipe: Name of an installed recipe, with parameters in the same form.
        evolution: Evolution of the core, or a file with one in JSON.

    Raises:
        StoreError: More than one of them is given.
        ClanTuneError: There is no such strategy, parameter or recipe, or the file is damaged.
    """
    given = [
        name
        for name, held in (
            ("a strategy", bool(strategies)),
            ("a recipe", recipe is not None),
            ("an evolution", evolution is not None),
        )
        if held
    ]
    if len(given) > 1:
        raise StoreError(f"{' and '.join(given)} are given: choose one of them")
    if recipe is not None:
        name, parameters = read_strategy(recipe)
        made = load_recipe(name, **parameters)
        return genetic(made if isinstance(made, Evolution) else Evolution(made))
    if evolution is not None:
        return genetic(evolution if isinstance(evolution, Evolution) else _read(evolution))
    if not strategies:
        return genetic(default_evolution())
    return _other(strategies) or genetic(Evolution([_strategy(each) for each in strategies]))


def read_strategy(text: str) -> tuple[str, dict[str, Any]]:
    """Return name and parameters of `NAME:key=value,key=value`; what is not JSON is a text.

    Raises:
        StoreError: A part is not `key=value`.
    """
    name, _, rest = text.partition(":")
    parameters = {}
    for part in filter(None, map(str.strip, _COMMA.split(rest))):
        key, equals, value = part.partition("=")
        if not equals:
            raise StoreError(
                f"{part!r} of the strategy {text!r} is not key=value: write {name}:key=value"
            )
        try:
            parameters[key.strip()] = json.loads(value)
        except ValueError:
            parameters[key.strip()] = value.strip()
    return name.strip(), parameters


def _other(strategies: Sequence[Strategy]) -> MakeBreeder | None:
    """Return a breeder that is not made of strategies, if one is named."""
    for each in strategies:
        name, _, rest = each.partition(":") if isinstance(each, str) else ("", "", "")
        if name not in OTHERS:
            continue
        if len(strategies) > 1:
            raise StoreError(f"the strategy {name!r} breeds alone: give no other strategy with it")
        module, _, function = OTHERS[name].partition(":")
        make: Callable[[str], MakeBreeder] = getattr(importlib.import_module(module), function)
        return make(rest)
    return None


def _strategy(given: Strategy) -> AbstractStrategy:
    if isinstance(given, AbstractStrategy):
        return given
    name, parameters = read_strategy(given)
    return load_strategy(name, **parameters)


def _read(path: str | os.PathLike[str]) -> Evolution:
    """Return the evolution of a file."""
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise StoreError(f"the evolution {os.fspath(path)} cannot be read: {reason}") from None
    try:
        return from_json(text, Evolution)
    except ClanTuneError as error:
        raise StoreError(f"the evolution {os.fspath(path)} is damaged: {error}") from error
