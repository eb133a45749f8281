"""The names and plain data that packages share without importing each other.

A preset writes where a gene is expressed, a recipe says how members are trained, and a clan reads
both. None of them imports another; all of them import this package.
"""

from clantune_core.contracts.expressed import Expressed, offsets
from clantune_core.contracts.names import (
    ALLELES,
    CENTRE_FITNESS,
    COMMANDS,
    DATA_PATH,
    EXPRESSION,
    GRADIENT_ACCUMULATION,
    HIGHEST_RATES,
    PRESETS,
    RECIPES,
    STRATEGIES,
    Role,
)
from clantune_core.contracts.recipe_settings import Evaluate, Inheritance, RecipeSettings
from clantune_core.traits import Trait, trait_at

__all__ = [
    "ALLELES",
    "CENTRE_FITNESS",
    "COMMANDS",
    "DATA_PATH",
    "EXPRESSION",
    "GRADIENT_ACCUMULATION",
    "HIGHEST_RATES",
    "PRESETS",
    "RECIPES",
    "STRATEGIES",
    "Evaluate",
    "Expressed",
    "Inheritance",
    "RecipeSettings",
    "Role",
    "Trait",
    "offsets",
    "trait_at",
]
