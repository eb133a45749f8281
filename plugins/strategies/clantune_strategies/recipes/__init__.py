"""Whole methods, each in one line that expands to a visible list."""

from clantune_strategies.recipes.factorial import factorial
from clantune_strategies.recipes.populations import esgd, fire_pbt, gpbt, hdet, mf_pbt, pbt
from clantune_strategies.recipes.recipe import Recipe
from clantune_strategies.recipes.specified import as_specified

__all__ = [
    "Recipe",
    "as_specified",
    "esgd",
    "factorial",
    "fire_pbt",
    "gpbt",
    "hdet",
    "mf_pbt",
    "pbt",
]
