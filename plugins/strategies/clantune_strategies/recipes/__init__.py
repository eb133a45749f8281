"""Recipes: complete lists of strategies, with the settings for training that belong to them."""

from clantune_strategies.recipes.factorial import cautious, factorial
from clantune_strategies.recipes.populations import esgd, fire_pbt, gpbt, hdet, mf_pbt, pbt
from clantune_strategies.recipes.recipe import Recipe
from clantune_strategies.recipes.specified import as_specified

__all__ = [
    "Recipe",
    "as_specified",
    "cautious",
    "esgd",
    "factorial",
    "fire_pbt",
    "gpbt",
    "hdet",
    "mf_pbt",
    "pbt",
]
