"""Recipes from the literature: population based training and the methods derived from it."""

from __future__ import annotations

from collections.abc import Sequence

from clantune_core.contracts import RecipeSettings
from clantune_strategies.crossbreeding import Average, Dominant, Learn
from clantune_strategies.designs import MainEffects, Spread
from clantune_strategies.mutation import Gaussian, Perturb, Resample, WhenReplaced
from clantune_strategies.recipes.recipe import Recipe
from clantune_strategies.selection import (
    Everyone,
    Frequencies,
    ImprovementRate,
    KeepBest,
    Pairs,
    Tournament,
    Truncation,
)

_COPIED = RecipeSettings(inheritance="dominant")


def pbt(
    *, quantile: float = 0.25, resample: float = 0.25, factors: Sequence[float] = (0.8, 1.2)
) -> Recipe:
    """Population based training: the worst members copy one of the best and explore from there.

    Args:
        quantile: Share of members that are replaced, and share that is copied, 0 to 0.5.
        resample: Probability that an explored gene is drawn anew from its domain.
        factors: Otherwise one of these factors multiplies it.
    """
    return Recipe(
        name="PBT",
        strategies=(Truncation(quantile=quantile), Dominant(), *_explore(factors, resample)),
        source="Jaderberg et al. 2017, Population Based Training of Neural Networks, "
        "arXiv 1711.09846",
        differs="all members are compared at the same step; values stay in their domain, and a new "
        "draw is from the domain instead of the distribution of the first draw; the quantile is "
        "that of common libraries",
        settings=_COPIED,
    )


def fire_pbt(*, rounds: int = 3, quantile: float = 0.25, resample: float = 0.25) -> Recipe:
    """PBT that selects by the rate of improvement instead of the fitness.

    Args:
        rounds: Number of rounds of a lineage over which the rate is measured.
        quantile: Share of members that are replaced, and share that is copied, 0 to 0.5.
        resample: Probability that an explored gene is drawn anew from its domain.
    """
    return Recipe(
        name="FIRE PBT",
        strategies=(
            ImprovementRate(Truncation(quantile=quantile), rounds=rounds),
            Dominant(),
            *_explore((0.8, 1.2), resample),
        ),
        source="Dalibard and Jaderberg 2021, Faster Improvement Rate Population Based Training, "
        "arXiv 2109.13800",
        differs="one population, whose rates are measured along each lineage; no evaluators that "
        "continue training",
        settings=_COPIED,
    )


def hdet(*, width: float = 1 / 9, step: float = 0.05, memory: float = 0.9) -> Recipe:
    """Learning rates spread around a centre; weights are averaged every round.

    Args:
        width: Distance of the outermost members from the centre, in units of the latent line.
        step: Move of the centre per round, against the slope, in the same units.
        memory: Share of the running mean of the slope that is kept, 0 to below 1.
    """
    return Recipe(
        name="HDET",
        strategies=(
            Everyone(),
            MainEffects(step=step, memory=memory, lr_genes=(), gate="sign"),
            Average(),
            Spread(width=width),
        ),
        source="Scalable Hyperparameter-Divergent Ensemble Training, 2026, arXiv 2604.24708",
        differs="every active gene is spread, on its latent line; the centre moves by a fixed step "
        "against the sign of the slope of a loss on common data, where the source moves in "
        "proportion to the members' training losses on their own data",
        settings=RecipeSettings(inheritance="mean", duty_cycle=0.0),
    )


def esgd(*, elites: int = 1, size: int = 2, std: float = 0.1) -> Recipe:
    """Evolutionary SGD: elites stay, and the winner of a tournament replaces each other member.

    Args:
        elites: Number of members that keep themselves.
        size: Members per tournament; a size of 2 equals linear ranking with a pressure of 2.
        std: Standard deviation of the noise on the genes of replaced members.
    """
    return Recipe(
        name="ESGD",
        strategies=(
            KeepBest(Tournament(size=size, tournaments=1), number=elites),
            Dominant(),
            WhenReplaced(Gaussian(std=std)),
        ),
        source="Cui, Zhang, Tuske and Picheny 2018, Evolutionary Stochastic Gradient Descent for "
        "Optimization of Deep Neural Networks, arXiv 1810.06773",
        differs="offspring mutate in their genes instead of their weights, and have one parent; an "
        "SGD step that made a member worse is not undone",
        settings=_COPIED,
    )


def gpbt(*, rate: float = 1.0, momentum: float = 0.5, std: float = 0.05) -> Recipe:
    """Pairwise learning: in each random pair the worse member moves towards the better one.

    Args:
        rate: Mean part of the way towards the better member; 1 is the whole way.
        momentum: Share of the last move that is added to the next one, 0 to below 1.
        std: Standard deviation of the noise on the genes of members that moved.
    """
    return Recipe(
        name="GPBT-PL",
        strategies=(
            Pairs(),
            Learn(rate=rate, momentum=momentum),
            Dominant(),
            WhenReplaced(Gaussian(std=std)),
        ),
        source="Bai and Cheng 2024, Generalized Population-Based Training for Hyperparameter "
        "Optimization in Reinforcement Learning, arXiv 2404.08233",
        differs="all members are paired, instead of the lower with the upper quarter; one factor "
        "for all genes, on the latent line, and a fixed momentum; noise on the members that moved, "
        "and no new draws",
        settings=_COPIED,
    )


def mf_pbt(
    *,
    periods: Sequence[int] = (1, 10, 25, 50),
    quantile: float = 0.25,
    resample: float = 0.25,
) -> Recipe:
    """Sub-populations that evolve at several frequencies: the fast ones are greedy.

    Args:
        periods: Rounds between two selections, one number per sub-population.
        quantile: Share of a sub-population that is replaced, and share that is copied, 0 to 0.5.
        resample: Probability that an explored gene is drawn anew from its domain.
    """
    return Recipe(
        name="MF-PBT",
        strategies=(
            Frequencies(Truncation(quantile=quantile), periods=periods),
            Dominant(),
            *_explore((0.8, 1.2), resample),
        ),
        source="Doulazmi et al. 2025, Multiple-Frequencies Population-Based Training, "
        "arXiv 2506.03225",
        differs="a sub-population is every k-th rank; a member that would be replaced may take the "
        "weights of a faster sub-population, keeps its own hyperparameters and explores from "
        "there; the source also moves members with their hyperparameters from slower ones",
        settings=_COPIED,
    )


def _explore(factors: Sequence[float], resample: float) -> tuple[WhenReplaced, WhenReplaced]:
    return (
        WhenReplaced(Perturb(factors=tuple(factors))),
        WhenReplaced(Resample(chance=resample)),
    )
