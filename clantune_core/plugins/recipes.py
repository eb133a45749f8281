"""Installed recipes: entry points for functions that return a list of strategies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clantune_core import contracts
from clantune_core.errors import PluginError, shown
from clantune_core.evolution import Evolution
from clantune_core.plugins.reader import Group
from clantune_core.strategies import AbstractStrategy

Recipe = Evolution | Sequence[AbstractStrategy]
"""A list of strategies. It may have a `name`, and `settings` as `RecipeSettings.of` takes them."""

RECIPES = Group(
    contracts.RECIPES,
    what="recipe",
    form="a function that returns a list of strategies",
    accepts=callable,
    home="clantune-strategies",
)


def load_recipe(name: str, /, **parameters: Any) -> Recipe:
    """Create an installed recipe by its name.

    Args:
        name: Name of its entry point.
        **parameters: Parameters of its function.

    Raises:
        PluginError: There is no such recipe, there are two, or it is switched off or broken.
        StrategyError: It does not take these parameters.
    """
    plugin = RECIPES.find(name)
    made = plugin.make(parameters)
    if isinstance(made, Evolution):
        return made
    if isinstance(made, Sequence) and all(isinstance(each, AbstractStrategy) for each in made):
        return made
    raise PluginError(
        f"{plugin} returned {shown(made)}, which is not a list of strategies; the package is wrong",
        name=name,
    )
