"""The rules of a run: from strategies or the name of a recipe to an evolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from clantune_core import AbstractStrategy, Evolution
from clantune_neuro.errors import NeuroError
from clantune_neuro.recipes import find, of_size
from clantune_neuro.run.checking import require_strength, require_whole

POPULATION = 80
"""Number of members where no recipe says another."""

STRENGTH = 0.02
"""Strength of new genes where no recipe says another."""


@attrs.frozen
class Chosen:
    """The rules of a run.

    Attributes:
        evolution: The strategies.
        population: Number of members.
        strength: Strength of new genes at the start.
        operators: The table of operators; None for all that suit the network.
    """

    evolution: Evolution
    population: int = POPULATION
    strength: float = STRENGTH
    operators: tuple[str, ...] | None = None


def chosen(
    strategies: Sequence[AbstractStrategy] | Evolution | None,
    recipe: str | None,
    population: int | None = None,
    strength: float | None = None,
) -> Chosen:
    """Return the rules that a run was given.

    Args:
        strategies: A list of strategies, an `Evolution`, a recipe, or None.
        recipe: Name of a recipe, or None.
        population: Number of members instead. A recipe that is named keeps its shares of parents
            and elites.
        strength: Strength of new genes instead.

    Raises:
        NeuroError: Both or neither are given, there is no such recipe, or a number cannot be used.
        StrategyError: The list contains something else than strategies.
    """
    if (strategies is None) == (recipe is None):
        given = "both" if recipe is not None else "neither"
        raise NeuroError(
            f'pass a list of strategies or recipe="duplicate", not {given}; the recipes are listed '
            "by clantune_neuro.recipes"
        )
    if population is not None:
        require_whole("population", population, 1)
    if strength is not None:
        require_strength(strength)
    rules: Any = strategies if recipe is None else _recipe(recipe, population)
    evolution = rules if isinstance(rules, Evolution) else Evolution(rules)
    if population is None:
        population = getattr(rules, "population", POPULATION)
    if strength is None:
        strength = getattr(rules, "strength", STRENGTH)
    return Chosen(evolution, population, strength, getattr(rules, "operators", None))


def _recipe(name: str, population: int | None) -> Any:
    return find(name) if population is None else of_size(name, population)
