"""Every strategy keeps every law of the kit."""

import functools

import pytest
from hypothesis import settings
from hypothesis import strategies as st

import clantune_strategies
from clantune_core import AbstractStrategy, LogFloatAllele, LogitFloatAllele, strategies
from clantune_core.testing import laws
from clantune_core.testing.another_process import answers_the_same_in_another_process
from clantune_core.testing.drawn import DrawnCases
from clantune_strategies import (
    SBX,
    Annealed,
    AtStart,
    Average,
    Blend,
    Boltzmann,
    Cauchy,
    Choose,
    Coupled,
    Creep,
    DifferentialEvolution,
    Dominant,
    Everyone,
    FitnessSharing,
    Flip,
    Frequencies,
    Gaussian,
    ImprovementRate,
    KeepBest,
    Learn,
    Lethal,
    LocalOnly,
    MainEffects,
    MateChoice,
    Mirrored,
    Momentum,
    Pairs,
    PerGene,
    PerGenome,
    Perturb,
    Proportional,
    Rank,
    Resample,
    Significant,
    Smoothed,
    Spread,
    ThriveSurviveDie,
    TopN,
    Tournament,
    Truncation,
    TwoLevel,
    WhenReplaced,
)

_sizes = st.floats(0.001, 10)
_chances = st.floats(0, 1)
_learned = st.sampled_from([(), ("size",), ("chance",), ("size", "chance")])

_quantiles = st.floats(0, 0.5)
_few = st.integers(1, 4)
_selections = st.one_of(  # for a wrapper to hold: they draw, learn, remember, or only crossbreed
    st.builds(Tournament, size=st.integers(1, 3), tournaments=st.integers(1, 3)),
    st.builds(Truncation, quantile=_quantiles),
    st.builds(Rank, pressure=st.floats(1, 2)),
    st.builds(KeepBest, st.builds(Proportional), number=_few),
    st.builds(Smoothed, st.builds(Everyone), rounds=_few),
    st.builds(Gaussian, learns=_learned),  # selects nobody
    st.builds(PerGene),  # selects nobody either, but crossbreeds
)

_factors = st.lists(st.floats(0.01, 100), min_size=1, max_size=3).map(tuple)
_inner = st.one_of(  # for a wrapper to hold: some learn, some remember, some ask who else is there
    st.builds(Gaussian, std=_sizes, learns=_learned),
    st.builds(Perturb, factors=_factors),
    st.builds(Resample, chance=_chances),
    st.builds(Momentum),
    st.builds(DifferentialEvolution),
    st.builds(Mirrored, st.builds(Cauchy, chance=_chances)),
)

CONFIGURED = {
    # selection
    Tournament: st.builds(
        Tournament,
        size=st.integers(1, 5),
        tournaments=st.integers(1, 5),
        smoothing=st.floats(0, 2),
    ),
    Truncation: st.builds(Truncation, quantile=_quantiles),
    ThriveSurviveDie: st.builds(ThriveSurviveDie, thrive=_quantiles, die=_quantiles),
    Rank: st.builds(Rank, pressure=st.floats(1, 2)),
    Boltzmann: st.builds(Boltzmann, temperature=st.floats(1e-12, 1e12)),
    Proportional: st.builds(Proportional),
    Everyone: st.builds(Everyone, cutoff=st.floats(1, 1e300)),
    TopN: st.builds(TopN, number=_few, strategy=_selections),
    LocalOnly: st.builds(
        LocalOnly, _selections, shape=st.sampled_from(["ring", "grid"]), reach=_few
    ),
    KeepBest: st.builds(KeepBest, _selections, number=_few),
    Significant: st.builds(Significant, _selections, noise=_sizes, z=st.floats(0, 4)),
    FitnessSharing: st.builds(FitnessSharing, _selections, radius=st.floats(1e-12, 1e12)),
    MateChoice: st.builds(MateChoice, _selections, pull=st.floats(0, 1e6)),
    ImprovementRate: st.builds(ImprovementRate, _selections, rounds=_few),
    Smoothed: st.builds(Smoothed, _selections, rounds=_few, by=st.sampled_from(["mean", "median"])),
    Frequencies: st.builds(
        Frequencies, _selections, periods=st.lists(_few, min_size=1, max_size=3).map(tuple)
    ),
    Pairs: st.builds(Pairs),
    # crossbreeding
    Dominant: st.builds(Dominant),
    PerGene: st.builds(PerGene),
    PerGenome: st.builds(PerGenome),
    Average: st.builds(Average),
    SBX: st.builds(SBX, eta=st.floats(0, 1000)),
    Blend: st.builds(Blend, alpha=st.floats(0, 10)),
    Learn: st.builds(Learn, rate=_sizes, momentum=st.floats(0, 0.999)),
    # mutation
    Gaussian: st.builds(Gaussian, std=_sizes, chance=_chances, learns=_learned),
    Cauchy: st.builds(Cauchy, scale=_sizes, chance=_chances, learns=_learned),
    Perturb: st.builds(Perturb, factors=_factors, chance=_chances),
    Resample: st.builds(Resample, chance=_chances, scale=st.sampled_from(["latent", "value"])),
    Flip: st.builds(Flip, chance=_chances),
    Choose: st.builds(Choose, chance=_chances),
    Creep: st.builds(Creep, step=st.integers(1, 99), chance=_chances),
    DifferentialEvolution: st.builds(
        DifferentialEvolution, weight=st.floats(0, 2), chance=_chances
    ),
    Momentum: st.builds(Momentum, strength=_chances, decay=_chances),
    Coupled: st.builds(
        Coupled,
        st.just("lr"),
        st.just("wd"),
        power=st.floats(-3, 3),
        at=st.tuples(_sizes, _sizes),
    ),
    Mirrored: st.builds(Mirrored, _inner),
    Annealed: st.builds(
        Annealed, _inner, power=st.floats(0, 9), over=st.none() | st.integers(1, 9)
    ),
    Lethal: st.builds(
        Lethal, _inner, regions=st.just({"lr": (1e-4, 1e-2)}), tries=st.integers(1, 3)
    ),
    WhenReplaced: st.builds(WhenReplaced, _inner),
    AtStart: st.builds(AtStart, _inner, genes=st.sampled_from([("*",), ("lr",)])),
    # designs
    MainEffects: st.builds(
        MainEffects,
        step=_sizes,
        memory=st.floats(0, 0.999),
        lr_genes=st.sampled_from([(), ("*",)]),
        gate=st.sampled_from(["soft", "sign"]),
        freeze_lr_until=st.floats(0, 1),
        freeze_lr_in_cooldown=st.booleans(),
        bias_correction=st.booleans(),
    ),
    TwoLevel: st.builds(TwoLevel, spread=_sizes),
    Spread: st.builds(Spread, width=_sizes),
}
"""How each is configured; a new strategy has its line here."""

_positive = st.builds(LogFloatAllele, st.floats(1e-5, 0.1), st.just((1e-6, 1.0)))

NEEDED = {
    AtStart: {"lr": _positive},
    Coupled: {"lr": _positive, "wd": _positive},
    Lethal: {"lr": _positive, "beta": st.builds(LogitFloatAllele, st.floats(0.1, 0.9))},
}
"""The genes that a strategy needs: it is tried on genomes that have them, and refuses others."""


@functools.cache
def drawn_cases(needs):
    return DrawnCases(settings.default.max_examples, genes=[NEEDED.get(needs)])


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        pytest.param(kind, law, id=f"{kind.__name__}-{law.name}")
        for kind, configured in CONFIGURED.items()
        for law in laws(configured, genes=NEEDED.get(kind))
        if law.name != answers_the_same_in_another_process.__name__
    ],
)
def test_a_strategy_keeps_a_law(kind, law, few_examples):
    cases = drawn_cases(kind if kind in NEEDED else None)
    cases.under(law, CONFIGURED[kind])()


def test_all_answer_the_same_in_another_process():
    """The law that is left out above: one process tries all, since its start takes longest."""
    cases = [
        case
        for kind, configured in CONFIGURED.items()
        for case in drawn_cases(kind if kind in NEEDED else None).some(20, configured)
    ]
    answers_the_same_in_another_process(cases)


def test_no_strategy_is_left_out():
    exported = {getattr(clantune_strategies, name) for name in clantune_strategies.__all__}
    published = {
        found.load() for found in strategies() if found.distribution == "clantune-strategies"
    }
    kinds = {held for held in exported if isinstance(held, type)}
    assert {kind for kind in kinds if issubclass(kind, AbstractStrategy)} == set(CONFIGURED)
    assert published == set(CONFIGURED)
