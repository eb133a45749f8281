"""Mutations by factors, draws, choices, whole steps and differences, against closed forms."""

import itertools
import math
from random import Random

import attrs
import pytest

from clantune_core import (
    AbstractAllele,
    BoolAllele,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    Population,
    StrategyError,
    StringAllele,
)
from clantune_strategies import (
    Choose,
    Creep,
    DifferentialEvolution,
    Flip,
    Perturb,
    Resample,
)

LETTERS = tuple("abcd")

BOUNDED = [
    FloatAllele(0.5, (-1, 2)),
    LogFloatAllele(1e-3, (1e-5, 1e-1)),
    LogitFloatAllele(0.9, (0.5, 0.999)),
]

OPEN = [
    FloatAllele(0.0),
    FloatAllele(0.0, (0, None)),
    IntAllele(0, (None, 9)),
    LogFloatAllele(1e-3, (1e-5, None)),
]


def mutated(strategy, allele, count=20_000, seed=1):
    """Return what becomes of so many genes."""
    genome = Genome({f"gene {i}": allele for i in range(count)})
    return [*strategy.apply_strategy(genome, Random(seed)).alleles.values()]


def values(strategy, allele, **options):
    return [made.value for made in mutated(strategy, allele, **options)]


# ---- Perturb ----


@pytest.mark.parametrize("allele", BOUNDED, ids=lambda allele: allele.kind)
def test_perturb_multiplies_by_each_factor_alike(allele, assert_occurs):
    factors = (0.8, 0.9, 1.05)
    made = values(Perturb(factors), allele)
    assert_occurs(made, {allele.value * factor: 1 / 3 for factor in factors})


def test_perturb_acts_with_its_chance(assert_occurs):
    made = values(Perturb((2.0,), chance=0.25), FloatAllele(1.0))
    assert_occurs(made, {1.0: 0.75, 2.0: 0.25})


def test_small_factors_add_up_behind_a_whole_number():
    perturb, allele, seen = Evolution([Perturb((1.1,))]), IntAllele(2, (1, 64)), []
    genome = Genome({"layers": allele})
    for _ in range(8):
        genome = perturb.mutate(genome, Random(1))
        seen.append(genome.alleles["layers"].value)
    assert seen == [round(2 * 1.1**n) for n in range(1, 9)] == [2, 2, 3, 3, 3, 4, 4, 4]
    assert genome.alleles["layers"].latent == pytest.approx(2 * 1.1**8)


def test_zero_is_drawn_afresh_where_the_domain_has_ends(assert_follows, assert_occurs):
    assert_follows(values(Perturb(), FloatAllele(0.0, (-1, 3))), lambda value: (value + 1) / 4)
    assert_occurs(values(Perturb(), IntAllele(0, (0, 4))), dict.fromkeys(range(5), 0.2))
    for allele in OPEN[:3]:
        assert set(values(Perturb(), allele, count=20)) == {0}


def test_perturb_moves_what_is_discrete_to_a_neighbour(assert_occurs):
    assert_occurs(values(Perturb(), StringAllele("b", LETTERS)), {"a": 0.5, "c": 0.5})
    assert_occurs(values(Perturb(), StringAllele("d", LETTERS)), {"c": 1.0})
    assert_occurs(values(Perturb(), BoolAllele(True)), {False: 1.0})
    assert values(Perturb(), StringAllele("a", ("a",)), count=1) == ["a"]


@pytest.mark.parametrize("allele", [a.with_value(a.domain.max) for a in BOUNDED])
def test_perturb_stops_at_the_end_of_a_domain_and_comes_back(allele):
    assert set(values(Perturb(), allele, count=100)) == {allele.value, allele.value * 0.8}


# ---- Resample ----


@pytest.mark.parametrize("allele", BOUNDED, ids=lambda allele: allele.kind)
def test_resample_is_uniform_on_the_latent_line_or_in_the_value(allele, assert_follows):
    low, high = allele.domain
    assert_follows(
        values(Resample(1.0, "value"), allele), lambda value: (value - low) / (high - low)
    )
    low, high = map(allele.to_latent, allele.domain)
    places = [made.latent for made in mutated(Resample(1.0), allele)]
    assert_follows(places, lambda place: (place - low) / (high - low))


@pytest.mark.parametrize("scale", ["latent", "value"])
def test_resample_draws_whole_numbers_and_choices_alike(scale, assert_occurs):
    strategy = Resample(1.0, scale)
    assert_occurs(values(strategy, IntAllele(2, (1, 5))), dict.fromkeys(range(1, 6), 0.2))
    assert_occurs(values(strategy, StringAllele("b", LETTERS)), dict.fromkeys(LETTERS, 0.25))
    assert_occurs(values(strategy, BoolAllele(True)), {True: 0.5, False: 0.5})


def test_resample_acts_with_its_chance(assert_occurs):
    made = [v != 0.5 for v in values(Resample(0.25), BOUNDED[0])]
    assert_occurs(made, {True: 0.25, False: 0.75})


@pytest.mark.parametrize("scale", ["latent", "value"])
@pytest.mark.parametrize("allele", OPEN, ids=repr)
def test_nothing_is_drawn_from_a_domain_without_an_end(allele, scale):
    assert set(values(Resample(1.0, scale), allele, count=20)) == {allele.value}


def test_a_probability_has_ends_though_its_latent_line_has_none(assert_follows):
    assert_follows(values(Resample(1.0, "value"), LogitFloatAllele(0.9)), lambda value: value)
    assert set(values(Resample(1.0), LogitFloatAllele(0.9), count=20)) == {0.9}


def test_a_domain_of_one_value_stays():
    for allele in (FloatAllele(2.0, (2, 2)), IntAllele(2, (2, 2)), LogFloatAllele(2.0, (2, 2))):
        for strategy in (Perturb(), Resample(1.0), Creep(3, 1.0)):
            assert set(values(strategy, allele, count=20)) == {2}


# ---- Flip, Choose, Creep ----


def test_flip_turns_flags_over_and_nothing_else(assert_occurs):
    assert_occurs(values(Flip(0.3), BoolAllele(False)), {False: 0.7, True: 0.3})
    assert values(Flip(1.0), BoolAllele(True, (True,)), count=1) == [True]
    for allele in (StringAllele("a", LETTERS), *BOUNDED):
        assert mutated(Flip(1.0), allele, count=1) == [allele]


def test_choose_takes_each_other_choice_alike_and_never_the_same(assert_occurs):
    assert_occurs(values(Choose(1.0), StringAllele("b", LETTERS)), dict.fromkeys("acd", 1 / 3))
    assert_occurs(
        values(Choose(0.3), StringAllele("b", LETTERS)), {"b": 0.7, **dict.fromkeys("acd", 0.1)}
    )
    assert_occurs(values(Choose(0.3), BoolAllele(False)), {False: 0.7, True: 0.3})
    assert values(Choose(1.0), StringAllele("a", ("a",)), count=1) == ["a"]
    assert mutated(Choose(1.0), BOUNDED[0], count=1) == [BOUNDED[0]]


def test_creep_goes_each_way_and_each_length_alike(assert_occurs):
    made = values(Creep(3, chance=0.6), IntAllele(10))
    assert_occurs(made, {10: 0.4, **dict.fromkeys((7, 8, 9, 11, 12, 13), 0.1)})


def test_creep_stops_at_an_end_and_leaves_other_kinds(assert_occurs):
    assert_occurs(values(Creep(2, chance=1.0), IntAllele(1, (0, 9))), {0: 0.5, 2: 0.25, 3: 0.25})
    for allele in (BoolAllele(True), *BOUNDED):
        assert mutated(Creep(1, 1.0), allele, count=1) == [allele]


# ---- Differential evolution ----


def differences(size, me, rounds, strategy):
    """Return how far each gene of an offspring went, in many rounds; members lie at 3 ** rank."""
    clan = Population(
        [Genome({gene: FloatAllele(3.0**rank) for gene in ("lr", "wd")}) for rank in range(size)]
    )
    evolution = Evolution([strategy])
    for seed in range(rounds):
        made = evolution.mutate(clan[me], Random(seed), population_genomes=clan)
        yield tuple(allele.value - 3.0**me for allele in made.alleles.values())


@pytest.mark.parametrize(("size", "me"), [(3, 1), (5, 0), (5, 4)])
def test_each_pair_of_others_is_as_likely_and_the_same_for_all_genes(size, me, assert_occurs):
    others = [3.0**rank for rank in range(size) if rank != me]
    pairs = [*itertools.permutations(others, 2)]
    drawn = list(differences(size, me, 3000, DifferentialEvolution()))
    steps = {0.5 * (one - other): 1 / len(pairs) for one, other in pairs}
    assert len(steps) == len(pairs)
    assert all(lr == wd for lr, wd in drawn)
    assert_occurs([lr for lr, _ in drawn], steps)


def test_of_two_members_the_difference_goes_either_way_and_alone_there_is_none(assert_occurs):
    assert_occurs(
        [lr for lr, _ in differences(2, 0, 3000, DifferentialEvolution())], {1.0: 0.5, -1.0: 0.5}
    )
    assert set(differences(1, 0, 20, DifferentialEvolution())) == {(0.0, 0.0)}


def test_differences_are_weighted_and_taken_with_the_chance(assert_occurs):
    strategy = DifferentialEvolution(weight=1.5, chance=0.4)
    drawn = [lr for lr, _ in differences(2, 0, 3000, strategy)]
    assert_occurs(drawn, {0.0: 0.6, 3.0: 0.2, -3.0: 0.2})


def test_differences_are_taken_on_the_latent_line_and_leave_what_has_none():
    clan = [
        Genome({"lr": LogFloatAllele(10.0**-rank), "flag": BoolAllele(rank == 1)})
        for rank in (1, 3)
    ]
    made = Evolution([DifferentialEvolution(1.0)]).mutate(
        clan[0], Random(1), population_genomes=clan
    )
    assert min(abs(math.log10(made.alleles["lr"].value) - goal) for goal in (-3, 1)) < 1e-12
    assert made.alleles["flag"] == clan[0].alleles["flag"]


# ---- Kinds of others ----


@attrs.frozen(repr=False)
class Secret(AbstractAllele):
    """Of neither family: no line to move along, and no choices."""

    def check_domain(self, domain):
        return domain

    def check_value(self, value):
        return value

    with_value = AbstractAllele._moved


@pytest.mark.parametrize(
    "strategy",
    [Perturb(), Resample(1.0), Flip(1.0), Choose(1.0), Creep(1, 1.0), DifferentialEvolution()],
)
def test_a_kind_of_neither_family_stays(strategy):
    clan = [Genome({"gene": Secret(value)}) for value in "abc"]
    made = Evolution([strategy]).mutate(clan[0], Random(1), population_genomes=clan)
    assert made == clan[0]


# ---- Parameters ----


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Perturb(()), "Perturb: factors must be one or more numbers above 0; got ()"),
        (lambda: Perturb(1.2), "Perturb: factors must be one or more numbers above 0; got 1.2"),
        (
            lambda: Perturb([0.8, 0]),
            "Perturb: factors must be one or more numbers above 0; got (0.8, 0)",
        ),
        (lambda: Perturb(chance=-1), "Perturb: chance must be a number from 0 to 1; got -1"),
        (lambda: Resample(2), "Resample: chance must be a number from 0 to 1; got 2"),
        (lambda: Resample(scale="log"), "Resample: scale must be one of latent, value; got 'log'"),
        (lambda: Flip("often"), "Flip: chance must be a number from 0 to 1; got 'often'"),
        (lambda: Choose(1.1), "Choose: chance must be a number from 0 to 1; got 1.1"),
        (lambda: Creep(0), "Creep: step must be an integer of 1 or more; got 0"),
        (lambda: Creep(1.5), "Creep: step must be an integer of 1 or more; got 1.5"),
        (
            lambda: DifferentialEvolution(-0.5),
            "DifferentialEvolution: weight must be a number of 0 or more; got -0.5",
        ),
    ],
)
def test_a_wrong_parameter_is_refused_in_words(make, message):
    with pytest.raises(StrategyError) as caught:
        make()
    assert str(caught.value) == message
