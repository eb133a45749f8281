"""Finding a recipe by its name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import metadata
from types import MappingProxyType
from typing import Any

from clantune_core import Recipe, contracts, load_recipe
from clantune_neuro.errors import NeuroError
from clantune_neuro.recipes.duplication import blind, duplicate
from clantune_neuro.recipes.recipe import NeuroRecipe
from clantune_neuro.recipes.schemes import asexual, average, sexual
from clantune_strategies.checks import strategy_error

RECIPES: Mapping[str, Callable[..., NeuroRecipe]] = MappingProxyType(
    {
        "duplicate": duplicate,
        "blind": blind,
        "asexual": asexual,
        "sexual": sexual,
        "average": average,
    }
)
"""The recipes of this package by their short names."""

PREFIX = "neuro_"
"""What the names of their entry points begin with, since those of all packages must differ."""


def find(name: str, /, **parameters: Any) -> Recipe:
    """Return a recipe of this package by its short name, or another installed one.

    Args:
        name: A name in `RECIPES`, or that of an entry point in the group `clantune.recipes`.
        **parameters: Parameters of its function.

    Raises:
        NeuroError: No recipe has this name.
        StrategyError: It does not take these parameters.
        PluginError: The package that publishes it is switched off or broken.
    """
    if name in RECIPES:
        return _made(name, parameters)
    installed = sorted({point.name for point in metadata.entry_points(group=contracts.RECIPES)})
    if name in installed:
        return load_recipe(name, **parameters)
    near = get_close_matches(str(name), [*RECIPES, *installed], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    others = [other for other in installed if not other.startswith(PREFIX)]
    raise NeuroError(
        f"no recipe is called {name!r}{hint} This package has {', '.join(RECIPES)}; others that "
        f"are installed: {', '.join(others) or 'none'}"
    )


def of_size(name: str, population: int) -> Recipe:
    """Return a recipe for a number of members: parents, elites and children keep their shares.

    A recipe of another package stays as it is.

    Args:
        name: As for `find`.
        population: Number of members.

    Raises:
        NeuroError: No recipe has this name, or its elites would leave no children.
    """
    if name not in RECIPES:
        return find(name)
    numbers = {
        key: parameter.default
        for key, parameter in inspect.signature(RECIPES[name]).parameters.items()
        if key in ("parents", "elites", "children")
    }
    usual = numbers.get("elites", 0) + numbers.pop("children")
    scaled = {
        key: number and max(1, round(number * population / usual))
        for key, number in numbers.items()
    }
    children = population - scaled.get("elites", 0)
    if children < 1:
        raise NeuroError(
            f"the recipe {name!r} keeps one member and needs another one to breed; take a "
            f"population of 2 or more, not {population}"
        )
    return _made(name, {**scaled, "children": children})


def _made(name: str, parameters: Mapping[str, Any]) -> NeuroRecipe:
    factory = RECIPES[name]
    signature = inspect.signature(factory).replace(return_annotation=inspect.Signature.empty)
    try:
        signature.bind(**parameters)
    except TypeError as error:
        raise strategy_error(name, f"the recipe is made as {name}{signature}: {error}") from None
    return factory(**parameters)
