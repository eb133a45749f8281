"""Plugins: the entry points of installed packages, found by name."""

from clantune_core.plugins.kinds import ALLELES, allele_class
from clantune_core.plugins.presets import PRESETS, Preset, load_preset
from clantune_core.plugins.reader import Group, Plugin
from clantune_core.plugins.recipes import RECIPES, Recipe, load_recipe
from clantune_core.plugins.strategies import (
    STRATEGIES,
    InstalledStrategy,
    load_strategy,
    strategies,
    strategy_class,
    strategy_name,
)

__all__ = [
    "ALLELES",
    "PRESETS",
    "RECIPES",
    "STRATEGIES",
    "Group",
    "InstalledStrategy",
    "Plugin",
    "Preset",
    "Recipe",
    "allele_class",
    "load_preset",
    "load_recipe",
    "load_strategy",
    "strategies",
    "strategy_class",
    "strategy_name",
]
