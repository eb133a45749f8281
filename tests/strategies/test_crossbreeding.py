"""Crossbreedings against their closed forms, with fixed seeds."""

import math
from random import Random

import pytest

from clantune_core import (
    Ancestry,
    BoolAllele,
    Draws,
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
from clantune_strategies import SBX, Average, Blend, Dominant, PerGene, PerGenome
from clantune_strategies.crossbreeding.two_parents import draw_pair

DRAWS = 20_000

WEIGHTS = (0.5, 0.2, 0.3)

KINDS = {  # three parents each, one value for each
    "float": [FloatAllele(value) for value in (0.0, 1.0, 10.0)],
    "log": [LogFloatAllele(value) for value in (1e-4, 1e-3, 1.0)],
    "logit": [LogitFloatAllele(value) for value in (0.1, 0.9, 0.99)],
    "int": [IntAllele(value) for value in (1, 9, 100)],
}


def clan(columns):
    names = {name: len(alleles) for name, alleles in columns.items()}
    size = next(iter(names.values()))
    return Population([Genome({n: columns[n][rank] for n in names}) for rank in range(size)])


def child(strategy, columns, weights, seed=1, me=0):
    """Return the offspring's alleles by gene."""
    population = clan(columns)
    ancestry = Ancestry.from_weights(weights, population)
    evolution = Evolution([strategy])
    return evolution.crossbreed(population[me], population, Random(seed), ancestry=ancestry).alleles


def many(column, count=DRAWS // 10):
    return {f"gene {i}": column for i in range(count)}


# ---- One parent ----


def test_dominant_takes_all_from_the_greatest_share_and_of_equals_the_lowest_rank():
    assert child(Dominant(), KINDS, (0.3, 0.2, 0.5)) == {k: a[2] for k, a in KINDS.items()}
    assert child(Dominant(), KINDS, (0.2, 0.4, 0.4)) == {k: a[1] for k, a in KINDS.items()}


def test_per_gene_draws_each_gene_by_the_shares(assert_occurs):
    drawn = []
    for seed in range(10):
        drawn += [a.value for a in child(PerGene(), many(KINDS["float"]), WEIGHTS, seed).values()]
    assert_occurs(drawn, dict(zip((0.0, 1.0, 10.0), WEIGHTS, strict=True)))


def test_per_genome_draws_one_parent_for_all_genes_by_the_shares(assert_occurs):
    drawn = []
    for seed in range(2000):
        alleles = child(PerGenome(), KINDS, WEIGHTS, seed)
        ranks = {KINDS[name].index(allele) for name, allele in alleles.items()}
        assert len(ranks) == 1
        drawn += ranks
    assert_occurs(drawn, dict(enumerate(WEIGHTS)))


@pytest.mark.parametrize("strategy", [PerGene(), PerGenome()])
def test_who_has_no_share_gives_nothing(strategy):
    for seed in range(200):
        alleles = child(strategy, KINDS, (0.0, 1.0, 0.0), seed)
        assert alleles == {name: column[1] for name, column in KINDS.items()}


# ---- The mean ----


def test_average_is_the_weighted_mean_on_the_latent_line():
    made = child(Average(), KINDS, WEIGHTS)
    for name, column in KINDS.items():
        places = [allele.latent for allele in column]
        mean = math.fsum(w * place for w, place in zip(WEIGHTS, places, strict=True))
        assert made[name] == column[0].with_latent(mean / math.fsum(WEIGHTS))
    assert made["float"].value == 3.2
    assert made["log"].value == pytest.approx(1e-4**0.5 * 1e-3**0.2, rel=1e-14)
    assert (made["int"].value, made["int"].latent) == (32, 0.5 * 1 + 0.2 * 9 + 0.3 * 100)


def test_average_of_one_parent_is_that_parent_with_its_metadata():
    column = [LogFloatAllele(0.1 * rank, metadata={"note": rank}) for rank in (1, 2, 3)]
    assert child(Average(), {"lr": column}, (0, 0, 1))["lr"] is column[2]


def test_average_takes_what_has_no_mean_from_the_dominant_parent():
    column = [LogFloatAllele(0.1 * rank, metadata={"note": rank}) for rank in (1, 2, 3)]
    made = child(Average(), {"lr": column}, WEIGHTS, me=1)["lr"]
    assert made.metadata == {"note": 1}


@pytest.mark.parametrize(
    ("weights", "winner"),
    [((3, 2, 2), "b"), ((5, 2, 2), "a"), ((2, 1, 1), "a"), ((1, 2, 0), "b"), ((0, 1, 1), "b")],
)
def test_average_of_discrete_kinds_is_a_vote_and_a_tie_goes_to_the_lowest_rank(weights, winner):
    column = [StringAllele(value, ("c", "b", "a")) for value in "abb"]
    flags = [BoolAllele(value == "a") for value in "abb"]
    made = child(Average(), {"name": column, "flag": flags}, weights)
    assert (made["name"].value, made["flag"].value) == (winner, winner == "a")


@pytest.mark.parametrize("strategy", [Average(), SBX(0.0), Blend(2.0)])
def test_places_around_the_ends_of_all_numbers_stay_numbers(strategy):
    most = FloatAllele.widest.max
    columns = many([FloatAllele(-most), FloatAllele(most)], 500)
    assert {abs(a.value) <= most for a in child(strategy, columns, (1, 1)).values()} == {True}


# ---- Two parents ----


def test_two_parents_are_distinct_and_drawn_by_the_shares(assert_occurs):
    population = clan({"lr": KINDS["float"]})
    ancestry = Ancestry.from_weights(WEIGHTS, population)
    drawn = [draw_pair(ancestry, Draws(Random(seed))) for seed in range(DRAWS)]
    assert_occurs(
        drawn,
        {
            (one, other): WEIGHTS[one] * WEIGHTS[other] / (1 - WEIGHTS[one])
            for one in range(3)
            for other in range(3)
            if one != other
        },
    )


def test_all_genes_have_the_same_two_parents():
    seen = set()
    for seed in range(30):
        alleles = child(SBX(1e9), many(KINDS["float"], 40), WEIGHTS, seed).values()
        parents = frozenset(round(allele.value) for allele in alleles)
        assert len(parents) == 2
        seen.add(parents)
    assert len(seen) == 3


@pytest.mark.parametrize("strategy", [SBX(), Blend()])
def test_a_single_parent_is_taken_as_it_is_and_discrete_kinds_are_passed_on(strategy):
    flags = [BoolAllele(value) for value in (True, False, False)]
    made = child(strategy, {**KINDS, "flag": flags}, (0, 1, 0))
    assert made == {**{name: column[1] for name, column in KINDS.items()}, "flag": flags[0]}
    assert child(strategy, {"flag": flags}, (1, 1, 1), me=2)["flag"] is flags[2]
    population = clan({"flag": flags})
    ancestry = Ancestry.from_weights((2, 1, 1), population)
    both = Evolution([strategy, Dominant()])
    made = both.crossbreed(population[2], population, Random(1), ancestry=ancestry)
    assert made.alleles["flag"] is flags[0]


@pytest.mark.parametrize(
    ("kind", "eta"), [("float", 0.0), ("float", 15.0), ("log", 2.0), ("log", 15.0), ("logit", 5.0)]
)
def test_sbx_spreads_as_published(kind, eta, assert_follows, assert_occurs):
    parents = KINDS[kind][:2]
    one, other = (allele.latent for allele in parents)
    columns = many(parents)
    places = []
    for seed in range(10):
        made = child(SBX(eta), columns, (1, 1), seed).values()
        places += [(2 * a.latent - one - other) / (one - other) for a in made]

    def spread(beta):  # Deb and Agrawal 1995, integrated
        return 0.5 * beta ** (eta + 1) if beta <= 1 else 1 - 0.5 * beta ** -(eta + 1)

    assert_follows([abs(place) for place in places], spread)
    assert_occurs([place > 0 for place in places], {True: 0.5, False: 0.5})


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_blend_is_uniform_and_reaches_beyond_the_parents(alpha, assert_follows):
    parents = KINDS["log"][:2]
    low, high = (allele.latent for allele in parents)
    reach = alpha * (high - low)
    places = []
    for seed in range(10):
        made = child(Blend(alpha), many(parents), (1, 1), seed).values()
        places += [allele.latent for allele in made]
    assert min(places) >= low - reach - 1e-12
    assert max(places) <= high + reach + 1e-12
    assert_follows(places, lambda place: (place - low + reach) / (high - low + 2 * reach))


@pytest.mark.parametrize("strategy", [SBX(0.0), Blend(2.0)])
def test_the_rest_comes_from_the_parent_that_is_nearer(strategy):
    column = [FloatAllele(float(rank), metadata={"note": rank}) for rank in (0, 1)]
    for allele in child(strategy, many(column, 200), (1, 1)).values():
        assert allele.metadata["note"] == (allele.value > 0.5)


@pytest.mark.parametrize("strategy", [SBX(1.0), Blend()])
def test_a_place_beyond_the_domain_stops_at_its_end(strategy):
    column = [IntAllele(rank, (0, 1)) for rank in (0, 1)]
    made = child(strategy, many(column, 400), (1, 1)).values()
    assert {allele.latent for allele in made} > {0.0, 1.0}
    assert {allele.value for allele in made} == {0, 1}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SBX(eta=-1), "SBX: eta must be a number of 0 or more; got -1"),
        (lambda: SBX(eta=math.inf), "SBX: eta must be a number of 0 or more; got inf"),
        (lambda: Blend(alpha="1"), "Blend: alpha must be a number of 0 or more; got '1'"),
    ],
)
def test_a_wrong_parameter_is_refused_in_words(make, message):
    with pytest.raises(StrategyError) as caught:
        make()
    assert str(caught.value) == message
