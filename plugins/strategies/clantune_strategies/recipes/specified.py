"""A plain genetic algorithm: the recipe that ClanTune started from."""

from __future__ import annotations

from clantune_core.contracts import RecipeSettings
from clantune_strategies.crossbreeding import PerGene
from clantune_strategies.mutation import Gaussian
from clantune_strategies.recipes.recipe import Recipe
from clantune_strategies.selection import Rank


def as_specified(*, pressure: float = 1.5, std: float = 0.3) -> Recipe:
    """Rank selection on the loss at the end of a round, uniform crossover, Gaussian noise.

    Use it for comparison: with a good start, simulations and benchmarks find it worse than no
    tuning.

    Args:
        pressure: Selection pressure of `Rank`, 1 (none) to 2.
        std: Standard deviation of the noise, in units of the latent line.
    """
    return Recipe(
        name="as specified",
        strategies=(Rank(pressure=pressure), PerGene(), Gaussian(std=std)),
        source="a plain genetic algorithm: linear ranking as in Baker 1985, Adaptive Selection "
        "Methods for Genetic Algorithms; uniform crossover as in Syswerda 1989, Uniform Crossover "
        "in Genetic Algorithms",
        differs="the noise is Gaussian on the latent line of each gene, and changes all genes",
        settings=RecipeSettings(duty_cycle=0.2),
    )
