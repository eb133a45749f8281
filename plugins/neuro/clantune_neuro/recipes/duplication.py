"""Recipes for a bank of rows: copy a row that is in use, guided by a trace or blind."""

from __future__ import annotations

from clantune_core import AbstractMutationStrategy
from clantune_neuro.recipes.recipe import NeuroRecipe
from clantune_neuro.strategies.duplicate import Duplicate
from clantune_neuro.strategies.lexicographic import Lexicographic
from clantune_strategies import Dominant, Gaussian, KeepBest, TopN, Tournament, WhenReplaced

ROWS_STRENGTH = 0.0265
"""Strength of nudges of rows of norm 1 with 128 features: 0.3 / sqrt(128)."""


def duplicate(
    *, elites: int = 16, children: int = 64, strength: float = ROWS_STRENGTH, label: float = 0.4
) -> NeuroRecipe:
    """Duplication of the rows of a bank, guided by a trace.

    Args:
        elites: Number of members that are kept, which are the parents of all others.
        children: Number of new members per generation.
        strength: Strength of a nudge at the beginning. 0.3 / sqrt(features) suits rows of norm 1.
        label: Probability that only the logits of a row change.
    """
    return _duplication("duplicate", Duplicate(label=label), elites, children, strength)


def blind(*, elites: int = 16, children: int = 64, strength: float = ROWS_STRENGTH) -> NeuroRecipe:
    """Duplication of rows that are drawn at random: the same without a trace.

    Args:
        elites: Number of members that are kept, which are the parents of all others.
        children: Number of new members per generation.
        strength: Strength of a nudge at the beginning. 0.3 / sqrt(features) suits rows of norm 1.
    """
    return _duplication("blind", Duplicate(trace=False), elites, children, strength)


def _duplication(
    name: str, mutation: AbstractMutationStrategy, elites: int, children: int, strength: float
) -> NeuroRecipe:
    best = KeepBest(TopN(elites, Tournament(1, 1)), elites)
    return NeuroRecipe(
        name=name,
        strategies=(
            Lexicographic(best),
            Dominant(),
            WhenReplaced(Gaussian(0.05)),
            WhenReplaced(mutation),
        ),
        source="ClanTune; gene duplication as in Ohno 1970, Evolution by Gene Duplication",
        differs="rows of a network are copied, each into the place of another one",
        population=elites + children,
        strength=strength,
    )
