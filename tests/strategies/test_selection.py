"""Selections against their closed forms: by formula, enumerated, or counted from fixed seeds."""

import math
from collections import Counter
from itertools import islice, permutations, product
from random import Random
from statistics import NormalDist

import pytest

from clantune_core import (
    ClanTuneError,
    Evolution,
    FloatAllele,
    Genome,
    Population,
    StrategyError,
    shared_rng,
)
from clantune_strategies import (
    Boltzmann,
    Everyone,
    FitnessSharing,
    Frequencies,
    ImprovementRate,
    KeepBest,
    LocalOnly,
    MateChoice,
    Pairs,
    Proportional,
    Rank,
    Significant,
    Smoothed,
    ThriveSurviveDie,
    TopN,
    Tournament,
    Truncation,
)

DEAD = (math.inf, math.nan, -math.inf)

SELECTIONS = [
    Tournament(),
    Truncation(),
    ThriveSurviveDie(),
    Rank(),
    Boltzmann(0.5),
    Proportional(),
    Everyone(),
    TopN(1, Rank()),
    KeepBest(Rank()),
    FitnessSharing(Rank(), 0.5),
    LocalOnly(Rank()),
    LocalOnly(Rank(), "grid"),
    MateChoice(Rank()),
    ImprovementRate(Rank()),
    Smoothed(Rank()),
    Significant(Rank()),
    Frequencies(Rank()),
    Pairs(),
]


def clan(*fitnesses):
    genomes = [Genome({"lr": FloatAllele(i * 0.1)}) for i in range(len(fitnesses))]
    return Population([g.set_fitness(f) for g, f in zip(genomes, fitnesses, strict=True)])


def shares(strategy, population, me=0, rng=None, generation=0):
    given = {"shared_rng": Random(1), "generation": generation}
    evolution = Evolution([strategy])
    return evolution.select(population[me], population, rng or Random(1), **given).probabilities


class Says(Random):
    """A stream that says what it is told to."""

    def __new__(cls, number):
        return super().__new__(cls)

    def __init__(self, number):
        self.number = number

    def random(self):
        return self.number


# ---- Tournament ----


def win_probabilities(fitnesses, size):
    wins = [0] * len(fitnesses)
    for drawn in product(range(len(fitnesses)), repeat=size):
        wins[min(drawn, key=fitnesses.__getitem__)] += 1
    return [win / len(fitnesses) ** size for win in wins]


def chi_square_limit(degrees, confidence):
    """The quantile of chi-square, as Wilson and Hilferty approximate it."""
    z = NormalDist().inv_cdf(confidence)
    return degrees * (1 - 2 / (9 * degrees) + z * math.sqrt(2 / (9 * degrees))) ** 3


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "fitnesses",
    [(0.3,), (0.3, 0.1), (2.0, 0.0, 1.0), (1.0, 0.0, 1.0, 0.0), (3.0, 1.0, 4.0, 6.0, 5.0)],
    ids=len,
)
def test_a_tournament_is_won_as_often_as_all_draws_say(fitnesses, size):
    population, rng, rounds = clan(*fitnesses), Random(size), 4000
    evolution = Evolution([Tournament(size, tournaments=1)])
    wins = [0] * len(fitnesses)
    for _ in range(rounds):
        wins[evolution.select(population[0], population, rng).dominant] += 1
    expected = [rounds * p for p in win_probabilities(fitnesses, size)]
    distance = sum((w - e) ** 2 / e for w, e in zip(wins, expected, strict=True))
    # Twenty comparisons, each right with 0.9999: a right tournament passes all of 1 in 500 seeds.
    assert distance <= (chi_square_limit(len(wins) - 1, 0.9999) if len(wins) > 1 else 0.0)


def test_tournaments_make_shares_of_their_wins_and_what_everybody_has_beforehand():
    population = clan(0.0, 1.0, 2.0, 3.0)
    drawn = shares(Tournament(64, tournaments=3), population)  # no draw leaves the best one out
    assert drawn == (1.0, 0.0, 0.0, 0.0)
    smooth = shares(Tournament(64, tournaments=3, smoothing=1.0), population)
    assert smooth == pytest.approx((4 / 7, 1 / 7, 1 / 7, 1 / 7), rel=1e-15)


# ---- Truncation, and thrive, survive, die ----


@pytest.mark.parametrize(
    ("size", "quantile", "count"),
    [(2, 0.25, 1), (3, 0.5, 1), (4, 0.5, 2), (5, 0.0, 1), (5, 0.4, 2)],
)
def test_truncation_replaces_the_worst_by_each_of_the_best_alike(size, quantile, count):
    for fitnesses in permutations(map(float, range(size))):
        population = clan(*fitnesses)
        order = sorted(range(size), key=fitnesses.__getitem__)
        for me in range(size):
            # One number from the middle of each of `count` equal parts of [0, 1).
            numbers = [(part + 0.5) / count for part in range(count)]
            strategy = Truncation(quantile)
            drawn = [shares(strategy, population, me, Says(n)).index(1.0) for n in numbers]
            assert drawn == (order[:count] if me in order[-count:] else [me] * count)


def test_a_member_that_is_as_good_as_the_one_drawn_stays():
    population = clan(1.0, 0.0, 1.0, 1.0)
    assert [shares(Truncation(0.5), population, 3, Says(n)).index(1.0) for n in (0.1, 0.9)] == [
        1,
        3,
    ]


def test_all_the_dead_are_replaced_and_none_of_them_replaces():
    population = clan(math.nan, 2.0, math.inf, math.nan)
    for me in (0, 2, 3):
        for strategy in (Truncation(0.5), Truncation(0.0), ThriveSurviveDie(0.5, 0.0)):
            assert shares(strategy, population, me, Says(0.99)) == (0.0, 1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("size", "thrive", "die", "thriving", "dying"),
    [(2, 0.25, 0.25, 1, 1), (3, 0.5, 0.5, 1, 1), (4, 0.5, 0.25, 2, 1), (5, 0.2, 0.4, 1, 2)],
)
def test_the_dying_have_all_the_thriving_as_parents(size, thrive, die, thriving, dying):
    strategy = ThriveSurviveDie(thrive, die)
    for fitnesses in permutations(map(float, range(size))):
        population = clan(*fitnesses)
        for me, fitness in enumerate(fitnesses):
            expected = [float(rank == me) for rank in range(size)]
            if fitness >= size - dying:
                expected = [(other < thriving) / thriving for other in fitnesses]
            assert shares(strategy, population, me) == tuple(expected)


def test_the_dying_have_no_parent_that_is_not_better():
    population = clan(1.0, 0.0, 1.0, 1.0)
    assert shares(ThriveSurviveDie(0.5, 0.25), population, 3) == (0.0, 1.0, 0.0, 0.0)
    assert shares(ThriveSurviveDie(), clan(1.0, 1.0), 1) == (0.0, 1.0)


# ---- Distributions ----


@pytest.mark.parametrize("size", [2, 3, 8])
@pytest.mark.parametrize("pressure", [1.0, 1.3, 2.0])
def test_rank_falls_linearly(size, pressure):
    fitnesses = [10.0 ** ((7 * rank) % size) for rank in range(size)]
    places = [sorted(fitnesses).index(fitness) for fitness in fitnesses]
    expected = [(pressure - 2 * (pressure - 1) * place / (size - 1)) / size for place in places]
    assert shares(Rank(pressure), clan(*fitnesses)) == pytest.approx(expected, rel=1e-14)
    assert sum(expected) == pytest.approx(1.0)


def test_members_of_equal_fitness_share_a_rank():
    # Places 0, 1, 2, 3 have 2/4, 4/3/4, 2/3/4 and 0 at this pressure.
    assert shares(Rank(2.0), clan(5.0, 1.0, 5.0, 0.0)) == pytest.approx(
        (1 / 12, 1 / 3, 1 / 12, 0.5)
    )
    assert shares(Rank(2.0), clan(3.0, 3.0, 3.0)) == (1 / 3, 1 / 3, 1 / 3)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 30.0])
def test_boltzmann_is_exponential(temperature):
    fitnesses = (0.5, -1.0, 2.0, 0.5)
    weights = [math.exp(-(f + 1.0) / temperature) for f in fitnesses]
    expected = [weight / math.fsum(weights) for weight in weights]
    assert shares(Boltzmann(temperature), clan(*fitnesses)) == pytest.approx(expected, rel=1e-14)


def test_proportional_is_what_a_member_is_better_than_the_worst():
    assert shares(Proportional(), clan(4.0, 1.0, 3.0)) == pytest.approx((0.0, 0.75, 0.25))


@pytest.mark.parametrize("strategy", [Rank(), Boltzmann(1.0), Proportional(), Everyone()], ids=repr)
def test_equals_contribute_alike_and_the_dead_nothing(strategy):
    assert shares(strategy, clan(2.0, 2.0, 2.0, 2.0)) == (0.25,) * 4
    assert shares(strategy, clan(math.nan, 2.0, math.inf, 2.0)) == (0.0, 0.5, 0.0, 0.5)
    assert shares(strategy, clan(*DEAD)) == pytest.approx((1 / 3,) * 3)


@pytest.mark.parametrize("strategy", [Boltzmann(1.0), Proportional()])
def test_a_fitness_beyond_all_numbers_is_that_of_the_dead(strategy):
    found = shares(strategy, clan(2.0, -math.inf, 2.0, -math.inf))
    assert found == pytest.approx((0.5, 0.0, 0.5, 0.0))


def test_the_largest_numbers_have_differences_too():
    assert shares(Proportional(), clan(-1.7e308, 1.7e308, 0.0)) == pytest.approx((2 / 3, 0, 1 / 3))
    assert shares(Everyone(), clan(1.7e308, 1.7e308)) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("fitnesses", "sound"),
    [
        ((1.0, 1.0, 1.5, 9.0), [0, 1, 2]),  # the median is 1.25
        ((1.0, 1.0, 1.0, 1.5), [0, 1, 2, 3]),  # 1.5 times the median is sound
        ((1.0, 10.0), [0]),
        ((1.0, math.nan), [0]),  # the median is that of the living
        ((1.0, math.inf, math.inf, math.nan), [0]),
        ((-1.0, 0.0, 8.0), [0, 1, 2]),  # no multiple of 0 means anything
        ((-3.0, -2.0, math.nan), [0, 1]),
    ],
)
def test_everyone_is_every_sound_member(fitnesses, sound):
    expected = [(rank in sound) / len(sound) for rank in range(len(fitnesses))]
    assert shares(Everyone(), clan(*fitnesses)) == tuple(expected)


def test_the_cutoff_is_a_multiple_of_the_median():
    population = clan(1.0, 1.0, 2.0)
    assert shares(Everyone(2.0), population) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert shares(Everyone(1.9), population) == (0.5, 0.5, 0.0)


# ---- Pairs ----


def parents_by_order(fitnesses):
    """The parents of all members for each order in which they can be paired."""
    for order in permutations(range(len(fitnesses))):
        parents = [*range(len(fitnesses))]
        for one, other in zip(order[::2], order[1::2], strict=False):
            if fitnesses[one] != fitnesses[other]:
                parents[one] = parents[other] = min(one, other, key=fitnesses.__getitem__)
        yield tuple(parents)


@pytest.mark.parametrize(
    "fitnesses",
    [
        (0.3,),
        (0.3, 0.1),
        (1.0, 1.0),
        (2.0, 0.0, 1.0),
        (3.0, 1.0, math.inf, 2.0),
        (1.0, 0.0, 1.0, 0.0),
        (math.inf, math.inf, 2.0, 1.0),  # one dead member is as good as another
        (5.0, 1.0, 4.0, 2.0, 3.0),
    ],
    ids=repr,
)
def test_members_meet_as_often_as_all_orders_say(fitnesses, assert_occurs):
    population, evolution = clan(*fitnesses), Evolution([Pairs()])
    drawn = []
    for generation in range(2000):
        shared = shared_rng(1, generation)
        chosen = [evolution.select(me, population, shared_rng=shared) for me in population]
        assert all(max(ancestry.probabilities) == 1.0 for ancestry in chosen)
        drawn.append(tuple(ancestry.dominant for ancestry in chosen))
    orders = Counter(parents_by_order(fitnesses))
    assert_occurs(drawn, {parents: count / orders.total() for parents, count in orders.items()})


# ---- Frequencies ----


def by_rank(fitnesses, team):
    """What linear ranking gives each of a team at a pressure of 2, if no two are equal."""
    worse = {rank: sum(fitnesses[other] > fitnesses[rank] for other in team) for rank in team}
    return [worse.get(rank, 0) / sum(worse.values()) for rank in range(len(fitnesses))]


@pytest.mark.parametrize(
    ("periods", "teams"),
    [
        ((1, 3), [(0, 1)]),
        ((2, 1), [(0, 1, 2)]),
        ((1, 3), [(0, 2), (1, 3)]),
        ((1, 2, 4), [(0, 2, 4), (1, 3)]),
        ((1, 2, 4), [(0, 3), (1, 4), (2, 5)]),
    ],
)
def test_a_team_selects_in_its_turn_or_takes_over_from_a_faster_one(periods, teams):
    strategy, size = Frequencies(Rank(2.0), periods), sum(map(len, teams))
    every = permutations(map(float, range(size)))
    for fitnesses in islice(every, 0, None, 19 if size > 4 else 1):  # of many, some

        def best(ranks, fitnesses=fitnesses):
            return min(ranks, key=fitnesses.__getitem__)

        population = clan(*fitnesses)
        for generation, (place, team) in product(range(4), enumerate(teams)):
            faster = [rank for quicker in teams[:place] for rank in quicker]
            from_outside = best([*team, *faster]) not in team
            for me in team:
                expected = by_rank(fitnesses, team)
                if (generation + 1) % periods[place]:
                    expected = [float(rank == me) for rank in range(size)]
                elif me != best(team) and from_outside:
                    expected = [float(rank == best(faster)) for rank in range(size)]
                found = shares(strategy, population, me, generation=generation)
                assert found == pytest.approx(expected, rel=1e-14)


def test_a_team_draws_its_parent_as_often_as_all_draws_say(assert_occurs):
    fitnesses = (9.0, 3.0, 8.0, 5.0, 7.0, 4.0)  # nobody in the faster team is better
    population, team, rng = clan(*fitnesses), (1, 3, 5), Random(1)
    strategy = Frequencies(Tournament(2, tournaments=1), (1, 2))
    drawn = [shares(strategy, population, 3, rng, 1).index(1.0) for _ in range(2000)]
    wins = win_probabilities([fitnesses[rank] for rank in team], 2)
    assert_occurs(drawn, dict(zip(team, wins, strict=True)))


def test_in_teams_equals_share_and_the_dead_are_replaced():
    strategy = Frequencies(Rank(2.0), (1, 2))
    population = clan(2.0, math.nan, 2.0, 3.0)
    assert shares(strategy, population, 0) == (0.5, 0.0, 0.5, 0.0)
    assert shares(strategy, population, 1) == (0.0, 1.0, 0.0, 0.0)  # it waits
    assert shares(strategy, population, 1, generation=1) == (1.0, 0.0, 0.0, 0.0)  # of equals one
    lost = clan(math.inf, math.nan, math.nan, 3.0)
    assert shares(strategy, lost, 1, generation=1) == (0.0, 0.0, 0.0, 1.0)
    assert shares(strategy, lost, 0) == (0.5, 0.0, 0.5, 0.0)  # nobody lives in its team


# ---- All of them ----


@pytest.mark.parametrize("strategy", SELECTIONS, ids=repr)
@pytest.mark.parametrize("fitness", [0.5, *DEAD])
def test_a_member_alone_is_its_own_parent(strategy, fitness):
    assert shares(strategy, clan(fitness)) == (1.0,)


@pytest.mark.parametrize("strategy", SELECTIONS, ids=repr)
def test_two_members_have_an_ancestry_whatever_their_fitness(strategy):
    for fitnesses in product([0.0, 1.0, *DEAD], repeat=2):
        population = clan(*fitnesses)
        for me in (0, 1):
            assert math.fsum(shares(strategy, population, me)) == pytest.approx(1.0)


@pytest.mark.parametrize("strategy", SELECTIONS[1:], ids=repr)  # a tournament draws one at a time
def test_of_two_members_the_dead_one_is_replaced(strategy):
    for dead in DEAD:
        assert shares(strategy, clan(dead, 3.0), 0) == (0.0, 1.0)
        assert shares(strategy, clan(dead, 3.0), 1) == (0.0, 1.0)


@pytest.mark.parametrize("strategy", SELECTIONS, ids=repr)
def test_a_member_that_was_not_evaluated_is_refused(strategy):
    with pytest.raises(ClanTuneError) as caught:
        shares(strategy, clan(1.0, None))
    assert str(caught.value) == (
        "rank 1 has no fitness: call genome.set_fitness(loss) on every member before selecting"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Truncation(0.6),
            "Truncation: quantile must be a number from 0 to 0.5; got 0.6",
        ),
        (
            lambda: ThriveSurviveDie(die=-0.1),
            "ThriveSurviveDie: die must be a number from 0 to 0.5; got -0.1",
        ),
        (lambda: Rank(2.1), "Rank: pressure must be a number from 1 to 2; got 2.1"),
        (lambda: Boltzmann(0), "Boltzmann: temperature must be a number of 1e-12 or more; got 0"),
        (lambda: Everyone(math.nan), "Everyone: cutoff must be a number of 1 or more; got nan"),
        (lambda: TopN(0, Rank()), "TopN: number must be an integer of 1 or more; got 0"),
        (lambda: TopN(2.0, Rank()), "TopN: number must be an integer of 1 or more; got 2.0"),
        (
            lambda: KeepBest(Rank),
            "KeepBest: strategy is the class Rank, not an instance; did you mean Rank()?",
        ),
        (lambda: KeepBest("rank"), "KeepBest: strategy must be a strategy; got 'rank'"),
        (
            lambda: FitnessSharing(Rank(), 0.0),
            "FitnessSharing: radius must be a number of 1e-12 or more; got 0.0",
        ),
        (
            lambda: LocalOnly(Rank(), "torus"),
            "LocalOnly: shape must be one of ring, grid; got 'torus'",
        ),
        (
            lambda: LocalOnly(Rank(), reach=0),
            "LocalOnly: reach must be an integer of 1 or more; got 0",
        ),
        (lambda: MateChoice(Rank(), -1), "MateChoice: pull must be a number of 0 or more; got -1"),
        (
            lambda: ImprovementRate(Rank(), True),
            "ImprovementRate: rounds must be an integer of 1 or more; got True",
        ),
        (
            lambda: Smoothed(Rank(), by="mode"),
            "Smoothed: by must be one of mean, median; got 'mode'",
        ),
        (
            lambda: Significant(Rank(), noise="1 %"),
            "Significant: noise must be a number of 0 or more; got '1 %'",
        ),
    ],
)
def test_a_wrong_parameter_is_refused_where_it_is_written(make, message):
    with pytest.raises(StrategyError) as caught:
        make()
    assert str(caught.value) == message


def test_the_dead_win_no_tournament_while_anybody_lives():
    population = clan(*DEAD, 1.0)
    for smoothing in (0.0, 1.0):
        for seed in range(200):
            found = shares(Tournament(size=2, smoothing=smoothing), population, rng=Random(seed))
            assert found == (0.0, 0.0, 0.0, 1.0)
    assert sum(shares(Tournament(), clan(*DEAD))) == pytest.approx(1.0)
