"""Genes that go on as their lineage went, and genes that follow another."""

import math
from random import Random
from statistics import NormalDist

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import (
    AbstractCrossbreedingStrategy,
    Ancestry,
    BoolAllele,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    Population,
    StrategyError,
    from_json,
    to_json,
)
from clantune_core.testing import alleles
from clantune_strategies import Average, Coupled, Dominant, Gaussian, Momentum


@attrs.frozen
class From(AbstractCrossbreedingStrategy):
    """Shares of the ranks, as told."""

    shares: tuple

    def select_ancestry(self, population_genomes):
        return Ancestry.from_weights(self.shares, population_genomes)


# ---- Momentum ----


@pytest.mark.parametrize("allele", [LogFloatAllele(1e-3), IntAllele(40), FloatAllele(0.0)])
@pytest.mark.parametrize("momentum", [Momentum(), Momentum(0.9, 0.2), Momentum(1.0, 1.0)])
def test_the_velocity_is_a_running_mean_of_the_moves_of_a_lineage(momentum, allele):
    noise = Gaussian(std=0.2)
    evolution = Evolution([From((1,)), Dominant(), momentum, noise])
    clan = [Genome({"gene": allele}).set_fitness(0.0)]
    places, velocity, last = [allele.latent], 0.0, allele.latent
    for generation in range(25):
        here = places[-1]
        velocity = momentum.decay * velocity + (1 - momentum.decay) * (here - last)
        last = here
        rng = Random(generation)
        rng.getrandbits(128)  # the identity of the offspring
        pushed = noise.std * NormalDist().inv_cdf(rng.random())
        expected = here + momentum.strength * velocity + pushed
        child = evolution.offspring(clan[0], clan, Random(generation))
        assert child.alleles["gene"].latent == pytest.approx(expected, abs=1e-12)
        places.append(child.alleles["gene"].latent)
        clan = [from_json(to_json(child.set_fitness(0.0)), Genome)]
    assert clan[0].alleles["gene"].metadata == {
        "momentum/velocity": pytest.approx(velocity),
        "momentum/from": pytest.approx(last),
    }


def test_a_lineage_that_was_pushed_once_comes_to_rest():
    evolution = Evolution([From((1,)), Dominant(), Momentum(0.9, 0.5)])
    clan = [Genome({"wd": FloatAllele(0.0)}).set_fitness(0.0)]
    clan = [evolution.offspring(clan[0], clan, Random(0)).set_fitness(0.0)]
    pushed = clan[0].alleles["wd"].with_value(1.0)
    clan = [clan[0].with_alleles({"wd": pushed}).set_fitness(0.0)]
    seen = []
    for generation in range(300):
        clan = [evolution.offspring(clan[0], clan, Random(generation)).set_fitness(0.0)]
        seen.append(clan[0].alleles["wd"].value)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0 + 0.9 / (1 - 0.9))  # a geometric series


def test_the_lineage_is_that_of_the_dominant_parent():
    notes = {"momentum/velocity": 0.5, "momentum/from": 2.0}
    parents = [FloatAllele(0.0), FloatAllele(3.0, metadata=notes)]
    clan = [Genome({"wd": parent}).set_fitness(0.0) for parent in parents]
    evolution = Evolution([From((0.4, 0.6)), Average(), Momentum(0.5, 0.7)])
    child = evolution.offspring(clan[0], clan, Random(1)).alleles["wd"]
    velocity = 0.7 * 0.5 + 0.3 * (3.0 - 2.0)
    assert child.value == pytest.approx(0.6 * 3.0 + 0.5 * velocity)
    assert dict(child.metadata) == {
        "momentum/velocity": pytest.approx(velocity),
        "momentum/from": 3.0,
    }


def test_a_genome_that_nobody_bred_goes_on_from_itself():
    notes = {"momentum/velocity": 0.5, "momentum/from": 2.0}
    alone = Genome({"wd": FloatAllele(3.0, metadata=notes), "lr": FloatAllele(1.0)})
    made = Momentum(0.5, 0.7).apply_strategy(alone).alleles
    assert made["wd"].value == pytest.approx(3.0 + 0.5 * 0.65)
    assert made["lr"].value == 1.0


def test_momentum_is_for_genes_not_for_what_they_learn_nor_for_discrete_kinds():
    gaussian = Gaussian(learns=["size"])
    genome = gaussian.setup_genome(Genome({"wd": FloatAllele(3.0), "flag": BoolAllele(True)}))
    made = Momentum().apply_strategy(genome).alleles
    assert made["flag"] == genome.alleles["flag"]
    assert made["wd"].metadata.children == genome.alleles["wd"].metadata.children
    assert {*made["wd"].metadata} == {"gaussian/size", "momentum/velocity", "momentum/from"}


# ---- Coupled ----

GENES = {
    "lr": LogFloatAllele(1e-3, (1e-6, 1.0)),
    "batch": IntAllele(64, (1, 4096)),
    "flag": BoolAllele(True),
}


@pytest.mark.parametrize("power", [1.0, 0.5, -0.5, 2.0, 0.0])
def test_the_follower_is_set_by_the_rule_after_every_mutation(power):
    genes = {"lr": GENES["lr"], "wd": FloatAllele(0.1), "batch": GENES["batch"]}
    evolution = Evolution(
        [
            Gaussian(std=0.3),
            Coupled("lr", "wd", power, at=(1e-3, 0.1)),
            Coupled("lr", "batch", power, at=(1e-3, 64)),
        ]
    )
    genome = Genome(genes)
    for seed in range(50):
        genome = evolution.mutate(genome, Random(seed))
        ratio = genome.alleles["lr"].value / 1e-3
        assert genome.alleles["wd"].value == 0.1 * ratio**power
        goal = 64 * ratio**power
        assert genome.alleles["batch"].value == round(min(max(goal, 1), 4096))


def test_followers_follow_followers():
    genes = {name: LogFloatAllele(1.0) for name in "abc"}
    chain = [Coupled("a", "b", 2.0, at=(1, 1)), Coupled("b", "c", 0.5, at=(1, 3))]
    made = Evolution([Gaussian(), *chain]).mutate(Genome(genes), Random(1)).as_hyperparameters()
    assert made["b"] == made["a"] ** 2
    assert made["c"] == 3 * made["b"] ** 0.5


def test_a_leader_at_the_end_of_all_numbers_leads_to_an_end_of_the_domain():
    for value, power, expected in [
        (0.0, 1.0, 0.5),
        (0.0, -1.0, 9.0),
        (FloatAllele.widest.max, 3.0, 9.0),
        (FloatAllele.widest.max, -3.0, 0.5),
    ]:
        genome = Genome({"a": FloatAllele(value, (0, None)), "b": FloatAllele(1.0, (0.5, 9))})
        made = Coupled("a", "b", power, at=(1e-3, 1)).apply_strategy(genome)
        assert made.alleles["b"].value == expected


def test_what_is_learned_beside_the_two_is_left_alone():
    ready = Gaussian(learns=["size"]).setup_genome(Genome(GENES))
    made = Coupled("lr", "batch", at=(1e-3, 128)).apply_strategy(ready).alleles
    assert made["batch"].value == 128
    assert made["batch"].metadata == ready.alleles["batch"].metadata
    assert made["lr"] == ready.alleles["lr"]


@given(
    alleles(LogFloatAllele, LogitFloatAllele),
    alleles(FloatAllele, LogFloatAllele, LogitFloatAllele, IntAllele),
    st.floats(-3, 3),
    st.integers(0, 99),
)
def test_the_rule_holds_for_any_two_genes_that_it_fits(leader, follower, power, seed):
    follower = attrs.evolve(follower, can_mutate=True)
    rule = from_json(to_json(Coupled("a", "b", power, at=(2.0, 3.0))), Coupled)
    genome = Genome({"a": leader, "b": follower})
    made = Evolution([Gaussian(), rule]).mutate(genome, Random(seed)).alleles
    try:
        goal = 3.0 * (made["a"].value / 2.0) ** power
    except OverflowError:
        goal = math.inf
    ends = follower.domain
    assert made["b"].value == follower.with_value(min(max(goal, ends.min), ends.max)).value


@pytest.mark.parametrize(
    ("genes", "leader", "follower", "message"),
    [
        (GENES, "lr", "wd", "the genome has no gene 'wd'; its genes are ['lr', 'batch', 'flag']"),
        (
            GENES,
            "beta",
            "batch",
            "the genome has no gene 'beta'; its genes are ['lr', 'batch', 'flag']",
        ),
        (
            GENES,
            "flag",
            "batch",
            "gene 'flag' is a BoolAllele; couple two genes of continuous kinds",
        ),
        (
            GENES,
            "lr",
            "flag",
            "gene 'flag' is a BoolAllele; couple two genes of continuous kinds",
        ),
        (
            GENES,
            "batch",
            "lr",
            (
                "gene 'lr' comes before its leader 'batch' in the genome and so mutates first; add "
                "it to the genome after the leader"
            ),
        ),
        (
            {"lr": GENES["lr"], "batch": IntAllele(64, can_mutate=False)},
            "lr",
            "batch",
            ("gene 'batch' cannot follow 'lr', because it has can_mutate=False; remove that flag"),
        ),
        (
            {"wd": FloatAllele(0.1, (-1, None)), "lr": GENES["lr"]},
            "wd",
            "lr",
            (
                "the domain -1 .. ∞ of gene 'wd' includes numbers below 0, for which the formula "
                "is undefined; give the leader a domain that starts at 0 or above"
            ),
        ),
    ],
)
def test_genes_that_cannot_be_coupled_are_refused(genes, leader, follower, message):
    with pytest.raises(StrategyError) as caught:
        Coupled(leader, follower, at=(1, 1)).apply_strategy(Genome(genes))
    assert str(caught.value) == f"Coupled: {message}"
    assert caught.value.__notes__[0] == "in handle_mutating of strategy '0:Coupled'"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Momentum(1.5), "Momentum: strength must be a number from 0 to 1; got 1.5"),
        (lambda: Momentum(decay=-1), "Momentum: decay must be a number from 0 to 1; got -1"),
        (
            lambda: Coupled("lr", "wd", at=(0, 1)),
            (
                "Coupled: at must be (value of the leader, value of the follower), both above 0; "
                "got (0, 1)"
            ),
        ),
        (
            lambda: Coupled("lr", "wd", at=1e-3),
            (
                "Coupled: at must be (value of the leader, value of the follower), both above 0; "
                "got 0.001"
            ),
        ),
        (
            lambda: Coupled("lr", "lr", at=(1, 1)),
            "Coupled: leader and follower must be two genes; got 'lr' twice",
        ),
    ],
)
def test_a_wrong_parameter_is_refused_in_words(make, message):
    with pytest.raises(StrategyError) as caught:
        make()
    assert str(caught.value) == message


def test_coupled_is_checked_with_the_first_gene_of_a_population():
    clan = Population([Genome(GENES), Genome(GENES)])
    with pytest.raises(StrategyError) as caught:
        Evolution([Coupled("lr", "wd", at=(1, 1))]).mutate(
            clan[1], Random(1), population_genomes=clan
        )
    assert "at gene 'lr'" in caught.value.__notes__
