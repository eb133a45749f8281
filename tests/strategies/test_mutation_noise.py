"""Noise, and what it learns, against closed forms: fixed seeds, five standard errors and less."""

import math
from random import Random
from statistics import NormalDist, fmean, pvariance

import pytest

from clantune_core import (
    Ancestry,
    BoolAllele,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    StrategyError,
    StringAllele,
)
from clantune_strategies import Cauchy, Dominant, Gaussian

CONTINUOUS = [FloatAllele(0.5), LogFloatAllele(1e-3), LogitFloatAllele(0.9), IntAllele(40)]

ERRORS = 5.0
"""Standard errors that an estimate may be off: further comes once in 1.7 million."""


def steps(strategy, allele, count=20_000, seed=1):
    """Return how far so many genes went on the latent line."""
    genome = Genome({f"gene {i}": allele for i in range(count)})
    made = strategy.apply_strategy(genome, Random(seed)).alleles.values()
    return [moved.latent - allele.latent for moved in made]


@pytest.mark.parametrize("allele", CONTINUOUS, ids=lambda allele: allele.kind)
@pytest.mark.parametrize("std", [0.01, 0.5])
def test_gaussian_has_the_mean_and_the_variance_and_the_shape(allele, std, assert_follows):
    moved = steps(Gaussian(std=std), allele)
    assert abs(fmean(moved)) < ERRORS * std / math.sqrt(len(moved))
    assert abs(pvariance(moved) / std**2 - 1) < ERRORS * math.sqrt(2 / len(moved))
    assert_follows(moved, NormalDist(0.0, std).cdf)


@pytest.mark.parametrize("allele", CONTINUOUS, ids=lambda allele: allele.kind)
def test_half_of_the_steps_of_cauchy_are_shorter_than_its_scale(
    allele, assert_occurs, assert_follows
):
    moved = steps(Cauchy(scale=0.01), allele)
    shorter = [abs(step) < 0.01 for step in moved]
    assert_occurs(shorter, {True: 0.5, False: 0.5})
    inside = [step for step in moved if abs(step) < 0.1]  # further out a domain may end

    def between(step):
        return 0.5 + math.atan(step / 0.01) / (2 * math.atan(10))

    assert_follows(inside, between)


@pytest.mark.parametrize("strategy", [Gaussian(chance=0.3), Cauchy(chance=0.3)])
def test_each_gene_mutates_with_the_chance(strategy, assert_occurs):
    moved = [step != 0.0 for step in steps(strategy, FloatAllele(0.5))]
    assert_occurs(moved, {True: 0.3, False: 0.7})


@pytest.mark.parametrize("strategy", [Gaussian(std=0.0), Gaussian(chance=0.0), Cauchy(scale=0.0)])
def test_nothing_moves_by_nothing(strategy):
    genome = Genome({allele.kind: allele for allele in CONTINUOUS})
    assert strategy.apply_strategy(genome, Random(1)) == genome


@pytest.mark.parametrize("strategy", [Gaussian(std=5.0), Cauchy(scale=5.0)])
@pytest.mark.parametrize(
    "allele",
    [FloatAllele(1.0, (0, 1)), LogFloatAllele(1e-3, (1e-3, 1)), LogitFloatAllele(0.9, (0.5, 0.9))],
    ids=lambda allele: allele.kind,
)
def test_an_end_of_the_domain_holds_and_lets_go(strategy, allele, assert_occurs):
    low, high = (allele.to_latent(end) for end in allele.domain)
    moved = steps(strategy, allele)
    assert {low <= allele.latent + step <= high for step in moved} == {True}
    assert_occurs([step == 0.0 for step in moved], {True: 0.5, False: 0.5})


def test_other_kinds_stay():
    genome = Genome({"flag": BoolAllele(True), "name": StringAllele("a", ("a", "b"))})
    assert Gaussian(learns=["size"]).apply_strategy(genome, Random(1)) == genome


# ---- What is learned ----


def test_setup_puts_what_is_learned_beside_continuous_genes():
    strategy = Gaussian(std=0.2, chance=0.5, learns=["size", "chance"])
    genome = Genome({"lr": LogFloatAllele(1e-3), "flag": BoolAllele(True)})
    ready = strategy.setup_genome(genome)
    assert ready.alleles["flag"] == genome.alleles["flag"]
    learned = ready.alleles["lr"].metadata
    assert {name: (type(a), a.value, a.domain) for name, a in learned.items()} == {
        "gaussian/size": (LogFloatAllele, 0.2, (0.2 * 1e-4, 0.2 * 1e4)),
        "gaussian/chance": (LogitFloatAllele, 0.5, (0.01, 0.99)),
    }


@pytest.mark.parametrize("genes", [1, 4])
def test_a_learned_size_takes_lognormal_steps_part_of_which_all_genes_share(genes):
    strategy = Gaussian(learns=["size"])
    ready = strategy.setup_genome(Genome({f"gene {i}": FloatAllele(0.0) for i in range(genes)}))
    evolution, rounds, logs = Evolution([strategy]), 4000, []
    for seed in range(rounds):
        made = evolution.mutate(ready, Random(seed)).alleles.values()
        logs.append([math.log(a.metadata["gaussian/size"].value / strategy.std) for a in made])
    common, own = 1 / (2 * genes), 1 / (2 * math.sqrt(genes))
    first = [row[0] for row in logs]
    assert abs(fmean(first)) < ERRORS * math.sqrt((common + own) / rounds)
    assert abs(pvariance(first) / (common + own) - 1) < ERRORS * math.sqrt(2 / rounds)
    if genes > 1:
        shared = fmean(row[0] * row[1] for row in logs)
        error = math.sqrt(((common + own) ** 2 + common**2) / rounds)  # of a product of normals
        assert abs(shared - common) < ERRORS * error


def test_the_size_mutates_before_the_value_that_reads_it(assert_follows):
    strategy = Gaussian(learns=["size"])
    ready = strategy.setup_genome(Genome({"lr": FloatAllele(0.0)}))
    evolution, drawn = Evolution([strategy]), []
    for seed in range(4000):
        made = evolution.mutate(ready, Random(seed)).alleles["lr"]
        drawn.append(made.value / made.metadata["gaussian/size"].value)
    assert_follows(drawn, NormalDist().cdf)  # by the old size it would have fat tails


def test_a_learned_chance_is_the_chance(assert_occurs):
    strategy = Gaussian(chance=0.2, learns=["chance"])
    genome = strategy.setup_genome(Genome({f"gene {i}": FloatAllele(0.0) for i in range(5000)}))
    made = strategy.apply_strategy(genome, Random(1)).alleles.values()
    expected = fmean(a.metadata["gaussian/chance"].value for a in made)
    moved = [a.value != 0.0 for a in made]
    assert_occurs(moved, {True: expected, False: 1 - expected})


@pytest.mark.parametrize("strategy", [Gaussian(learns=["size"]), Cauchy(learns=["size"])])
def test_a_learned_size_is_inherited_and_changes_on_the_way(strategy):
    evolution = Evolution([Dominant(), strategy])
    clan = [evolution.setup(Genome({"lr": LogFloatAllele(1e-3)})) for _ in range(2)]
    name = f"{strategy.tag}/size"
    sizes = [clan[1].alleles["lr"].metadata[name].value]
    for generation in range(20):
        ancestry = Ancestry.sole(1, clan)
        bred = evolution.crossbreed(clan[0], clan, Random(generation), ancestry=ancestry)
        parent = clan[1].alleles["lr"]
        assert bred.alleles["lr"] == parent
        clan = [
            clan[0],
            evolution.mutate(bred, Random(generation), my_genome=clan[0], population_genomes=clan),
        ]
        sizes.append(clan[1].alleles["lr"].metadata[name].value)
    assert len(set(sizes)) == len(sizes)


def test_two_noises_in_a_list_learn_their_own_sizes():
    evolution = Evolution([Gaussian(std=0.1, learns=["size"]), Cauchy(scale=0.3, learns=["size"])])
    ready = evolution.setup(Genome({"lr": FloatAllele(0.0)})).alleles["lr"].metadata
    assert {name: allele.value for name, allele in ready.items()} == {
        "gaussian/size": 0.1,
        "cauchy/size": 0.3,
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Gaussian(std=-0.1), "Gaussian: std must be a number of 0 or more; got -0.1"),
        (lambda: Gaussian(std=math.nan), "Gaussian: std must be a number of 0 or more; got nan"),
        (lambda: Gaussian(chance=2), "Gaussian: chance must be a number from 0 to 1; got 2"),
        (lambda: Cauchy(scale=True), "Cauchy: scale must be a number of 0 or more; got True"),
        (
            lambda: Gaussian(learns=["std"]),
            "Gaussian: learns may contain size, chance; got 'std'",
        ),
    ],
)
def test_a_wrong_parameter_is_refused_in_words(make, message):
    with pytest.raises(StrategyError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize("make", [Gaussian, Cauchy])
def test_a_size_of_zero_cannot_be_learned(make):
    with pytest.raises(StrategyError) as caught:
        make(0.0, learns=("size",))
    assert str(caught.value) == (
        f"{make.__name__}: a size of 0 cannot adapt, because it is changed by factors; give a size "
        'above 0, or leave "size" out of learns'
    )
