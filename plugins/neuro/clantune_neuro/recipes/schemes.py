"""The schemes of the notes on lineages of seeds: asexual, sexual, and averages of all parents."""

from __future__ import annotations

from collections.abc import Sequence

from clantune_core import AbstractMutationStrategy
from clantune_neuro.recipes.recipe import NeuroRecipe
from clantune_neuro.strategies.append import Append
from clantune_neuro.strategies.crossovers import Union
from clantune_neuro.strategies.lexicographic import Lexicographic
from clantune_neuro.strategies.mean import Mean
from clantune_strategies import (
    Average,
    Dominant,
    Everyone,
    KeepBest,
    MateChoice,
    Perturb,
    TopN,
    Tournament,
    WhenReplaced,
)

NOTES = "notes on evolving networks whose genome is a list of seeds"

ALL = Everyone(cutoff=1e9)
"""All members that a wrapper lets through, whatever their fitness."""


def asexual(
    *,
    parents: int = 64,
    children: int = 256,
    elites: int = 0,
    strength: float = 0.1,
    gamma: float = 1.15,
    operator: str = "rank-1",
    arguments: Sequence[int] | None = (0,),
) -> NeuroRecipe:
    """One parent per offspring, drawn among the best.

    Args:
        parents: Number of members that may be parents.
        children: Number of new members per generation.
        elites: Number of members that are kept as they are.
        strength: Strength of new genes at the beginning.
        gamma: The strength of an offspring is its parent's, times this number, or divided by it.
        operator: Operator of new genes.
        arguments: Arguments of new genes, see `Append`; 0 is normal noise.
    """
    chosen = TopN(parents, Tournament(1, 1))
    return NeuroRecipe(
        name="asexual",
        strategies=(
            Lexicographic(KeepBest(chosen, elites) if elites else chosen, then=("intrinsic",)),
            Dominant(),
            *_new_gene(elites, gamma, Append(operator, arguments=arguments)),
        ),
        source=NOTES,
        differs="the strength of new genes is learned; a parent that is drawn for its own place, "
        "and would be replaced, stays as it is where elites are kept",
        population=elites + children,
        strength=strength,
    )


def sexual(
    *,
    parents: int = 64,
    children: int = 256,
    elites: int = 0,
    strength: float = 0.1,
    gamma: float = 1.15,
    operator: str = "rank-1",
    arguments: Sequence[int] | None = (0,),
    pull: float = 0.0,
) -> NeuroRecipe:
    """Two different parents per offspring, drawn among the best, and the union of their genes.

    Args:
        parents: Number of members that may be parents.
        children: Number of new members per generation.
        elites: Number of members that are kept as they are.
        strength: Strength of new genes at the beginning.
        gamma: The strength of an offspring is its parent's, times this number, or divided by it.
        operator: Operator of new genes.
        arguments: Arguments of new genes, see `Append`; 0 is normal noise.
        pull: Preference for partners that differ, see `MateChoice`; 0 is none.
    """
    chosen = MateChoice(TopN(parents, ALL), pull)
    return NeuroRecipe(
        name="sexual",
        strategies=(
            Lexicographic(KeepBest(chosen, elites) if elites else chosen, then=("intrinsic",)),
            Union(),
            Dominant(),
            *_new_gene(elites, gamma, Append(operator, arguments=arguments)),
        ),
        source=NOTES,
        differs="the strength of new genes is learned; where elites are kept, an offspring whose "
        "dominant parent is the member in its place gets no new gene",
        population=elites + children,
        strength=strength,
    )


def average(
    *,
    parents: int = 64,
    children: int = 256,
    factor: float = 0.35,
    strength: float = 0.1,
    gamma: float = 1.15,
    operator: str = "rank-1",
    arguments: Sequence[int] | None = (0,),
) -> NeuroRecipe:
    """All of the best are parents of each offspring, which takes the mean of their steps.

    Args:
        parents: Number of members that are parents.
        children: Number of members.
        factor: Length of the mean step, see `Mean`; the notes' is 1.
        strength: Strength of new genes at the beginning.
        gamma: The strength of an offspring is the parents' mean, times this number, or divided by
            it.
        operator: Operator of new genes.
        arguments: Arguments of new genes, see `Append`; 0 is normal noise.
    """
    return NeuroRecipe(
        name="average",
        strategies=(
            Lexicographic(TopN(parents, ALL), then=("intrinsic",)),
            Mean(factor),
            Average(),
            *_new_gene(0, gamma, Append(operator, arguments=arguments)),
        ),
        source=NOTES,
        differs="the strength of new genes is learned; the mean step is shorter",
        population=children,
        strength=strength,
    )


def _new_gene(elites: int, gamma: float, append: Append) -> tuple[AbstractMutationStrategy, ...]:
    """Return the mutations of an offspring. Elites are left out by their ancestry."""
    perturb = Perturb((1.0 / gamma, 1.0, gamma))
    return (WhenReplaced(perturb), WhenReplaced(append)) if elites else (perturb, append)
