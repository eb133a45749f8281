"""Recipes: complete lists of strategies, with the size of the population that belongs to them."""

from clantune_neuro.recipes.duplication import blind, duplicate
from clantune_neuro.recipes.finding import RECIPES, find, of_size
from clantune_neuro.recipes.recipe import NeuroRecipe
from clantune_neuro.recipes.schemes import asexual, average, sexual

__all__ = [
    "RECIPES",
    "NeuroRecipe",
    "asexual",
    "average",
    "blind",
    "duplicate",
    "find",
    "of_size",
    "sexual",
]
