"""Selections that hold another one: what it is shown, and what becomes of its answer."""

import math
from random import Random

import attrs
import pytest
from hypothesis import strategies as st

from clantune_core import (
    AbstractCrossbreedingStrategy,
    AbstractMutationStrategy,
    Ancestry,
    BoolAllele,
    Context,
    Evolution,
    FloatAllele,
    Genome,
    Population,
    StringAllele,
    call_hook,
)
from clantune_core.testing import laws
from clantune_strategies import (
    FitnessSharing,
    Frequencies,
    Gaussian,
    ImprovementRate,
    KeepBest,
    LocalOnly,
    MateChoice,
    Rank,
    Significant,
    Smoothed,
    TopN,
    Tournament,
)

WRAPPERS = {
    "TopN": lambda inner: TopN(2, inner),
    "LocalOnly": LocalOnly,
    "KeepBest": KeepBest,
    "Significant": Significant,
    "FitnessSharing": lambda inner: FitnessSharing(inner, 1.0),
    "MateChoice": MateChoice,
    "ImprovementRate": ImprovementRate,
    "Smoothed": Smoothed,
    "Frequencies": lambda inner: Frequencies(inner, (1, 2)),
}

each_wrapper = pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)


def clan(*fitnesses, values=None):
    ranks = range(len(fitnesses))
    genomes = [Genome({"lr": FloatAllele(v)}) for v in values or [0.1 * r for r in ranks]]
    return Population([g.set_fitness(f) for g, f in zip(genomes, fitnesses, strict=True)])


def select(strategy, population, me=0, rng=None):
    return Evolution([strategy]).select(population[me], population, rng or Random(1))


def shares(strategy, population, me=0, rng=None):
    return select(strategy, population, me, rng).probabilities


@attrs.frozen
class Everybody(AbstractCrossbreedingStrategy):
    """All members contribute alike; notes what it is shown."""

    shown: list = attrs.field(factory=list, eq=False)

    def select_ancestry(self, my_genome, population_genomes, context):
        self.shown.append((my_genome, population_genomes, context))
        return Ancestry.from_weights([1.0] * len(population_genomes), population_genomes)


@attrs.frozen
class Worst(AbstractCrossbreedingStrategy):
    """The worst member shown is the only parent."""

    def select_ancestry(self, population_genomes):
        fitnesses = population_genomes.fitnesses()
        worst = max(range(len(fitnesses)), key=fitnesses.__getitem__)
        return [(float(rank == worst), g.uuid) for rank, g in enumerate(population_genomes)]


@attrs.frozen
class ThreeOfEight(AbstractCrossbreedingStrategy):
    """Three members contribute four, three and one eighth."""

    def select_ancestry(self, population_genomes):
        return Ancestry.from_weights([4.0, 3.0, 1.0], population_genomes)


@attrs.frozen
class DrawsAlike(AbstractCrossbreedingStrategy):
    """Draws from the stream that all ranks share."""

    def select_ancestry(self, population_genomes, shared_rng):
        return Ancestry.sole(shared_rng.randrange(len(population_genomes)), population_genomes)


@attrs.frozen
class CrossesAlike(AbstractCrossbreedingStrategy):
    """Takes a gene of the member that the shared stream says."""

    def handle_crossbreeding(self, population_alleles, shared_rng):
        return shared_rng.choice(population_alleles)


@attrs.frozen
class Busy(AbstractMutationStrategy):
    """Has a word in everything but selecting."""

    def handle_setup(self, allele):
        return allele.with_metadata(busy="set up")

    def handle_mutating(self, allele, population_alleles, offspring_alleles, draw):
        return allele.with_value(len(population_alleles) + len(offspring_alleles))

    def handle_crossbreeding(self, my_allele, population_alleles, ancestry):
        return population_alleles[ancestry.dominant]


# ---- What all of them do ----


@each_wrapper
def test_every_hook_of_the_strategy_inside_is_passed_on(wrap):
    evolution = Evolution([wrap(Busy()), Rank()])  # the inner one selects nobody, so the next does
    ready = evolution.setup(clan(1.0, values=[0.5])[0])
    assert ready.alleles["lr"].metadata["busy"] == "set up"
    population = clan(2.0, 1.0)
    assert evolution.select(population[0], population).probabilities == (0.25, 0.75)
    child = evolution.crossbreed(population[0], population, ancestry=Ancestry.sole(1, population))
    assert child.alleles["lr"].value == 0.1  # that of rank 1
    offspring = evolution.mutate(child, my_genome=population[0], population_genomes=population)
    assert offspring.alleles["lr"].value == 3.0


@each_wrapper
def test_a_genome_that_nobody_evaluated_can_be_mutated(wrap):
    strategy = wrap(wrap(Gaussian()))
    genome = Genome({"lr": FloatAllele(0.5)})
    assert Evolution([strategy]).mutate(genome, Random(1)).alleles["lr"].value != 0.5


@each_wrapper
def test_all_ranks_stay_in_step_with_what_they_share(wrap):
    (law,) = (
        law
        for law in laws(st.just(wrap(DrawsAlike())))
        if law.name == "draws_alike_from_the_shared_stream"
    )
    law()


@each_wrapper
@pytest.mark.parametrize("size", [1, 2, 4, 5])
@pytest.mark.parametrize("generation", [0, 1])
def test_what_follows_finds_the_shared_stream_in_one_place_on_all_ranks(wrap, generation, size):
    population = clan(*map(float, range(size)))
    places = set()
    for me in population:
        shared = Random(1)
        Evolution([wrap(DrawsAlike())]).select(
            me, population, Random(2), shared_rng=shared, generation=generation
        )
        places.add(shared.getstate())
    assert len(places) == 1
    assert places != {Random(1).getstate()}


@each_wrapper
def test_an_answer_of_pairs_will_do(wrap):
    population = clan(1.0, 2.0)
    assert math.fsum(shares(wrap(Worst()), population, 1)) == 1.0


# ---- TopN ----


def test_top_n_shows_the_best_and_the_member_itself():
    population, inside = clan(3.0, 0.0, 2.0, 1.0), Everybody()
    assert shares(TopN(2, inside), population, 0) == (0.0, 0.5, 0.0, 0.5)
    ((me, shown, context),) = inside.shown
    assert shown.fitnesses() == (3.0, 0.0, 1.0)
    assert (me, context.rank, context.population_size) == (population[0], 0, 3)
    assert shares(TopN(2, inside), population, 3) == (0.0, 0.5, 0.0, 0.5)
    assert inside.shown[1][1].fitnesses() == (0.0, 1.0)


def test_top_n_takes_the_best_where_nobody_among_them_is_selected():
    population = clan(3.0, 0.0, 2.0, 1.0)
    assert shares(TopN(2, Worst()), population, 0) == (0.0, 1.0, 0.0, 0.0)
    assert shares(TopN(2, Worst()), population, 1) == (0.0, 0.0, 0.0, 1.0)


def test_top_n_of_a_small_clan_is_the_clan():
    assert shares(TopN(9, Everybody()), clan(1.0, 0.0, math.nan)) == (1 / 3, 1 / 3, 1 / 3)
    assert shares(TopN(1, Everybody()), clan(1.0, 1.0)) == (1.0, 0.0)  # of equals the lower rank


def test_who_asks_need_not_have_a_shared_stream():
    population = clan(3.0, 0.0)
    given = {"my_genome": population[1], "population_genomes": population, "context": Context()}
    assert call_hook(TopN(1, Worst()), "select_ancestry", **given).dominant == 1


# ---- LocalOnly ----


@pytest.mark.parametrize(
    ("size", "shape", "reach", "me", "neighbours"),
    [
        (1, "ring", 1, 0, [0]),
        (2, "ring", 1, 0, [0, 1]),
        (6, "ring", 1, 0, [0, 1, 5]),
        (6, "ring", 2, 5, [0, 1, 3, 4, 5]),
        (6, "ring", 9, 3, [0, 1, 2, 3, 4, 5]),
        (9, "grid", 1, 4, [1, 3, 4, 5, 7]),
        (9, "grid", 1, 0, [0, 1, 2, 3, 6]),  # closed in both directions
        (12, "grid", 1, 5, [1, 4, 5, 6, 9]),  # three rows of four
        (12, "grid", 2, 0, [0, 1, 2, 3, 4, 5, 7, 8, 9, 11]),
        (5, "grid", 1, 0, [0, 1, 4]),  # of a prime number it is a ring
        (2, "grid", 1, 1, [0, 1]),
    ],
)
def test_local_only_shows_the_neighbours(size, shape, reach, me, neighbours):
    population, inside = clan(*map(float, range(size))), Everybody()
    strategy = LocalOnly(inside, shape, reach)
    found = [rank for rank, _ in select(strategy, population, me).contributors]
    assert found == neighbours
    ((mine, shown, context),) = inside.shown
    assert [genome.fitness for genome in shown] == neighbours
    assert shown[context.rank] == mine == population[me]


def test_a_good_genome_goes_around_a_ring_one_place_a_round():
    fitnesses = [0.0] + [1.0] * 7
    reached = []
    for _ in range(4):
        population = clan(*fitnesses)
        strategy = LocalOnly(Tournament(64, tournaments=1))
        parents = [select(strategy, population, me).dominant for me in range(8)]
        fitnesses = [fitnesses[parent] for parent in parents]
        reached.append(fitnesses.count(0.0))
    assert reached == [3, 5, 7, 8]


# ---- Frequencies ----


def test_who_keeps_its_genes_draws_as_often_as_who_does_not():
    evolution = Evolution([Frequencies(CrossesAlike(), (1, 2))])
    population, places, genes = clan(1.0, 1.0, 1.0, 1.0, values=[0.0, 0.1, 0.2, 0.3]), set(), []
    for me in population:
        shared, parent = Random(1), Ancestry.sole(0, population)
        child = evolution.crossbreed(me, population, ancestry=parent, shared_rng=shared)
        genes.append(child.alleles["lr"].value)
        places.add(shared.getstate())
    drawn = Random(1).choice([0.0, 0.1, 0.2, 0.3])
    assert genes == [drawn, 0.1, drawn, 0.3]  # the weights of ranks 1 and 3 are of another team
    assert len(places) == 1


# ---- KeepBest, Significant ----


def test_keep_best_keeps_the_best():
    population = clan(3.0, 0.0, 2.0, 0.0)
    kept = [shares(KeepBest(Worst(), 2), population, me).index(1.0) for me in range(4)]
    assert kept == [0, 1, 0, 3]
    kept = [shares(KeepBest(Worst()), population, me).index(1.0) for me in range(4)]
    assert kept == [0, 1, 0, 0]  # of equals the lower rank


def test_keep_best_keeps_no_dead_member():
    population = clan(math.nan, math.inf)
    assert shares(KeepBest(Everybody(), 2), population, 0) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("mine", "noise", "z", "acts"),
    [
        (1.04, 0.01, 2.0, True),  # the margin is 0.0294, the parents' mean 1.0
        (1.025, 0.01, 2.0, False),
        (1.025, 0.01, 1.0, True),
        (1.0, 0.0, 2.0, False),
        (1.000001, 0.0, 2.0, True),
        (9.0, 1.0, 2.0, False),
        (math.nan, 1.0, 9.0, True),
    ],
)
def test_significant_acts_on_what_is_beyond_the_noise(mine, noise, z, acts):
    population = clan(mine, 0.9, 1.1, values=[0.0, 0.1, 0.2])

    @attrs.frozen
    class Others(AbstractCrossbreedingStrategy):
        def select_ancestry(self, population_genomes):
            return Ancestry.from_weights([0.0, 1.0, 1.0], population_genomes)

    found = shares(Significant(Others(), noise, z), population)
    assert found == ((0.0, 0.5, 0.5) if acts else (1.0, 0.0, 0.0))


def test_significant_measures_the_noise_by_the_size_of_a_negative_fitness_too():
    population = clan(-1.02, -1.04)
    assert shares(Significant(Rank(2.0)), population) == (1.0, 0.0)
    assert shares(Significant(Rank(2.0), noise=0.001), population) == (0.0, 1.0)


def test_parents_of_whom_one_is_dead_are_not_better():
    assert shares(Significant(Everybody()), clan(9.0, 0.0, math.inf)) == (1.0, 0.0, 0.0)


# ---- FitnessSharing, MateChoice ----


def test_fitness_sharing_divides_the_worth_among_the_crowd():
    # The two at 0 are one crowd; half the radius away is one that crowds by a half.
    population = clan(0.0, 1.0, 2.0, 3.0, values=[0.0, 0.0, 0.5, 9.0])
    inside = Everybody()
    select(FitnessSharing(inside, radius=1.0), population)
    ((me, shown, _),) = inside.shown
    assert shown.fitnesses() == pytest.approx((-4 / 2.5, -3 / 2.5, -2 / 2, -1 / 1))
    assert me.fitness == shown[0].fitness
    assert [g.alleles for g in shown] == [g.alleles for g in population]


def test_the_dead_crowd_nobody_and_stay_dead():
    population = clan(1.0, math.nan, 1.0, values=[0.0, 0.0, 5.0])
    inside = Everybody()
    select(FitnessSharing(inside, radius=1.0), population)
    assert inside.shown[0][1].fitnesses() == (-2.5, math.inf, -2.5)  # equals share a place


def test_distance_is_the_root_mean_square_over_genes():
    genes = {"a": FloatAllele(0.0), "b": BoolAllele(False), "c": StringAllele("x", ("x", "y"))}
    first = Genome(genes).set_fitness(0.0)
    other = first.with_hyperparameters(a=3.0, b=True).with_uuid().set_fitness(0.0)
    population, inside = Population([first, other]), Everybody()
    distance = math.sqrt((3.0**2 + 1.0 + 0.0) / 3)
    select(FitnessSharing(inside, radius=2 * distance), population)
    assert inside.shown[0][1].fitnesses() == pytest.approx((-1.0, -1.0))  # a worth of 1.5 in 1.5


def test_mate_choice_draws_a_partner_by_its_probability_and_its_distance():
    values, inside = (0.0, 1.0, 3.0), (0.5, 0.375, 0.125)
    population, rng, rounds = clan(0.0, 1.0, 3.0, values=values), Random(7), 4000
    assert shares(ThreeOfEight(), population) == inside
    expected = {}
    for first, mine in enumerate(inside):
        weights = [
            p * (values[first] - value) ** 2 for p, value in zip(inside, values, strict=True)
        ]
        for partner in {0, 1, 2} - {first}:
            pair = tuple(sorted((first, partner)))
            drawn = mine * weights[partner] / sum(weights)
            expected[pair] = expected.get(pair, 0.0) + drawn
    counts = dict.fromkeys(expected, 0)
    for _ in range(rounds):
        ancestry = select(MateChoice(ThreeOfEight(), pull=2.0), population, 0, rng)
        assert {p for _, p in ancestry.contributors} == {0.5}
        counts[tuple(rank for rank, _ in ancestry.contributors)] += 1
    for pair, probability in expected.items():
        # Four standard deviations of a binomial: each holds with 0.9999.
        margin = 4 * math.sqrt(rounds * probability * (1 - probability))
        assert abs(counts[pair] - rounds * probability) <= margin


def test_a_partner_is_one_of_those_selected():
    population = clan(0.0, 1.0, 2.0, values=[0.0, 0.1, 9.0])
    assert shares(MateChoice(TopN(2, Everybody())), population) == (0.5, 0.5, 0.0)


def test_nobody_is_a_partner_where_there_is_no_other():
    population = clan(0.0, 1.0, values=[0.5, 0.5])
    assert max(shares(MateChoice(Everybody()), population)) == 1.0  # they do not differ
    assert shares(MateChoice(Everybody(), pull=0.0), population) == (0.5, 0.5)
    assert shares(MateChoice(Worst()), population) == (0.0, 1.0)


def test_a_pull_of_0_measures_no_distance(monkeypatch):
    monkeypatch.delattr("clantune_strategies.selection.diversity.distance")
    population = clan(0.0, 1.0, 2.0, values=[0.0, 0.1, 9.0])
    pair = select(MateChoice(Everybody(), pull=0.0), population, 0, Random(1)).contributors
    assert [share for _, share in pair] == [0.5, 0.5]


def test_the_farthest_distances_have_powers_too():
    population = clan(0.0, 0.0, 0.0, values=[-1.7e308, 1.7e308, 1.7e308])
    found = [
        tuple(
            rank
            for rank, _ in select(
                MateChoice(Everybody(), 99), population, 0, Random(seed)
            ).contributors
        )
        for seed in range(20)
    ]
    assert set(found) == {(0, 1), (0, 2)}


def test_a_wrapper_says_where_a_member_stands_in_what_it_shows():
    population, inside = clan(*map(float, range(6))), Everybody()
    select(TopN(2, LocalOnly(inside)), population, 5)
    ((me, shown, context),) = inside.shown
    assert isinstance(context, Context)
    assert shown[context.rank] == me == population[5]
