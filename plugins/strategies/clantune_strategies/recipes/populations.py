"""Population based training, and what was made of it."""

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
    """Population based training: the worst copy one of the best, and explore from there.

    Args:
        quantile: Share of the population that is replaced, and that is copied.
        resample: Probability that an explored gene is drawn afresh.
        factors: One of these multiplies it otherwise.
    """
    return Recipe(
        name="PBT",
        strategies=(Truncation(quantile=quantile), Dominant(), *_explore(factors, resample)),
        source="Jaderberg et al. 2017, Population Based Training of Neural Networks, "
        "arXiv 1711.09846",
        differs="all members are compared at the same step; no value leaves its domain, from which "
        "a gene is drawn afresh, not from where it was drawn first; the quantile is that of common "
        "libraries",
        settings=_COPIED,
    )


def fire_pbt(*, rounds: int = 3, quantile: float = 0.25, resample: float = 0.25) -> Recipe:
    """PBT that selects on how fast members improve, not on how good they are.

    Args:
        rounds: Over how many rounds of the lineage the rate is taken.
        quantile: Share of the population that is replaced, and that is copied.
        resample: Probability that an explored gene is drawn afresh.
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
        differs="one population, its rate measured along each lineage; no evaluators that train on",
        settings=_COPIED,
    )


def hdet(*, width: float = 1 / 9, step: float = 0.05, memory: float = 0.9) -> Recipe:
    """A spread of learning rates around the clan, averaged every round.

    Args:
        width: How far the outermost members stand off the centre, in units of the latent line.
        step: How far the centre goes each round, against the slope.
        memory: Momentum of the slope.
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
        differs="every active gene is spread, in ln lr and the like; the centre goes a fixed step "
        "against the sign of the slope of a loss on common data, where the source goes in "
        "proportion to what each member's training loss on its own data says",
        settings=RecipeSettings(inheritance="mean", duty_cycle=0.0),
    )


def esgd(*, elites: int = 1, size: int = 2, std: float = 0.1) -> Recipe:
    """Evolutionary SGD: elites stay, each of the others descends from the winner of a tournament.

    Args:
        elites: How many members keep themselves.
        size: Members in a tournament; two select as linear ranking of pressure 2 does.
        std: Of the noise on the genes of those who descend.
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
        differs="offspring mutate in their genes, not their weights, and have one parent; a step "
        "of SGD that made a member worse is not taken back",
        settings=_COPIED,
    )


def gpbt(*, rate: float = 1.0, momentum: float = 0.5, std: float = 0.05) -> Recipe:
    """Pairwise learning: in each random pair the worse one learns from the better one.

    Args:
        rate: How far the worse one goes towards the better one, 1 is all the way on average.
        momentum: How much of its last move it keeps.
        std: Of the noise on the genes of those who learn.
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
        differs="all members are paired, not the lower with the upper quarter; one factor for all "
        "genes, on the latent line, and a momentum that is fixed; noise on who learned, no drawing "
        "afresh",
        settings=_COPIED,
    )


def mf_pbt(
    *,
    periods: Sequence[int] = (1, 10, 25, 50),
    quantile: float = 0.25,
    resample: float = 0.25,
) -> Recipe:
    """Sub-populations that evolve at several frequencies, the fast ones greedy, the slow ones not.

    Args:
        periods: Rounds between two evolutions, one number for each sub-population.
        quantile: Share of a sub-population that is replaced, and that is copied.
        resample: Probability that an explored gene is drawn afresh.
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
        differs="sub-populations are every k-th rank; who would be replaced may take over weights, "
        "from faster ones only, keeps its own hyperparameters then, and explores from there; the "
        "source also moves members with their hyperparameters from slower ones",
        settings=_COPIED,
    )


def _explore(factors: Sequence[float], resample: float) -> tuple[WhenReplaced, WhenReplaced]:
    return (
        WhenReplaced(Perturb(factors=tuple(factors))),
        WhenReplaced(Resample(chance=resample)),
    )
