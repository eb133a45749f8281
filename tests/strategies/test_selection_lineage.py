"""Selections that remember how a lineage has done, over generations of a real evolution."""

import math
from random import Random

import attrs
import pytest

from clantune_core import (
    AbstractCrossbreedingStrategy,
    Ancestry,
    BoolAllele,
    Evolution,
    FloatAllele,
    Genome,
    Population,
    from_json,
    to_json,
)
from clantune_strategies import (
    Dominant,
    FitnessSharing,
    Gaussian,
    ImprovementRate,
    KeepBest,
    Smoothed,
    TopN,
    Truncation,
)


@attrs.frozen
class Parent(AbstractCrossbreedingStrategy):
    """The parent of each rank is told beforehand; notes what fitnesses it is shown."""

    of: tuple = (0, 1)
    shown: list = attrs.field(factory=list, eq=False)

    def select_ancestry(self, population_genomes, context):
        self.shown.append(population_genomes.fitnesses())
        return Ancestry.sole(self.of[context.rank], population_genomes)


def beginners(count):
    genes = {
        "fixed": FloatAllele(1.0, can_mutate=False),
        "nesterov": BoolAllele(False),
        "lr": FloatAllele(0.1),
    }
    return [Genome(genes) for _ in range(count)]


def evaluated(genomes, fitnesses):
    pairs = zip(genomes, fitnesses, strict=True)
    return Population([genome.set_fitness(fitness) for genome, fitness in pairs])


def bred(evolution, population):
    made = [evolution.offspring(me, population, Random(1)) for me in population]
    return [from_json(to_json(genome), Genome) for genome in made]  # as a checkpoint has it


def shown_to(inside, wrap, rounds, count=2):
    """Return what the last member is shown in each of several rounds of fitnesses."""
    evolution, genomes = Evolution([wrap(inside), Dominant()]), beginners(count)
    for fitnesses in rounds:
        genomes = bred(evolution, evaluated(genomes, fitnesses))
    return inside.shown[count - 1 :: count], genomes


def memory(genome):
    return {gene: dict(allele.metadata) for gene, allele in genome.alleles.items()}


def test_smoothed_shows_the_mean_over_the_lineage():
    rounds = [(8.0, 1.0), (4.0, 2.0), (0.0, 6.0), (4.0, 7.0)]
    shown, genomes = shown_to(Parent(), lambda inside: Smoothed(inside, rounds=2), rounds)
    assert shown == [(8.0, 1.0), (6.0, 1.5), (4.0, 3.0), (8 / 3, 5.0)]
    assert memory(genomes[0]) == {
        "fixed": {},
        "nesterov": {"lineage/0/2": (0.0, 4.0)},
        "lr": {},
    }


def test_smoothed_by_the_median_is_not_moved_by_one_round():
    rounds = [(1.0, 1.0), (2.0, 1.0), (100.0, 1.0), (3.0, 1.0)]
    shown, _ = shown_to(Parent(), lambda inside: Smoothed(inside, 2, by="median"), rounds)
    assert [first for first, _ in shown] == [1.0, 1.5, 2.0, 3.0]


def test_improvement_rate_shows_the_slope_over_the_lineage():
    rounds = [(9.0, 1.0), (7.0, 1.0), (6.0, 1.0), (6.0, 4.0)]
    shown, _ = shown_to(Parent(), lambda inside: ImprovementRate(inside, rounds=2), rounds)
    assert shown[0] == (9.0, 1.0)  # nobody has a history yet
    assert shown[1] == pytest.approx((-2.0, 0.0))
    assert shown[2] == pytest.approx((-1.5, 0.0))  # through 9, 7, 6
    assert shown[3] == pytest.approx((-0.5, 1.5))  # through 7, 6, 6 and 1, 1, 4


def test_the_history_is_that_of_the_parent():
    inside = Parent(of=(1, 1))
    shown, genomes = shown_to(inside, Smoothed, [(9.0, 1.0), (3.0, 5.0)])
    assert shown[1] == (2.0, 3.0)
    assert [memory(g)["nesterov"]["lineage/0/3"] for g in genomes] == [(1.0, 5.0), (1.0, 5.0)]


def test_a_round_in_which_the_parent_died_is_left_out():
    rounds = [(4.0, 1.0), (math.nan, 1.0), (1.0, math.inf)]
    shown, genomes = shown_to(Parent(), ImprovementRate, rounds)
    assert shown[1] == pytest.approx((math.inf, 0.0))  # the dead stay dead
    assert shown[2] == pytest.approx((-1.5, math.inf))  # from 4 to 1 in two rounds
    assert memory(genomes[0])["nesterov"] == {"lineage/0/3": (4.0, None, 1.0)}
    shown, _ = shown_to(Parent(), Smoothed, rounds)
    assert shown[1:] == [(math.inf, 1.0), (2.5, math.inf)]


def test_who_has_no_history_has_made_no_progress():
    rounds = [(math.nan, 1.0), (5.0, 3.0)]
    shown, _ = shown_to(Parent(), ImprovementRate, rounds)
    assert shown == [(math.inf, 1.0), (0.0, 2.0)]
    shown, _ = shown_to(Parent(), ImprovementRate, [DEAD_ROUND, (5.0, 3.0)])
    assert shown[1] == (5.0, 3.0)  # of nobody is anything known


DEAD_ROUND = (math.nan, math.inf)


def test_one_of_the_same_kind_inside_has_a_memory_of_its_own():
    rounds = [(8.0, 0.0), (4.0, 0.0), (0.0, 0.0)]
    shown, genomes = shown_to(Parent(), lambda inside: Smoothed(Smoothed(inside)), rounds)
    assert [first for first, _ in shown] == [8.0, 7.0, (8.0 + 6.0 + 4.0) / 3]
    assert memory(genomes[0])["nesterov"] == {
        "lineage/1/3": (8.0, 4.0, 0.0),
        "lineage/0/3": (8.0, 6.0, 4.0),  # of what the outer one showed
    }


def test_the_one_inside_remembers_what_it_was_shown_through_others_too():
    rounds = [(8.0, 0.0), (4.0, 0.0), (2.0, 0.0)]
    shown, genomes = shown_to(
        Parent(), lambda inside: KeepBest(Smoothed(TopN(9, ImprovementRate(inside)))), rounds
    )
    assert [first for first, _ in shown] == pytest.approx([8.0, -2.0, (14 / 3 - 8) / 2])
    assert memory(genomes[0])["nesterov"] == {
        "lineage/1/3": (8.0, 4.0, 2.0),
        "lineage/0/3": pytest.approx((8.0, 6.0, 14 / 3)),
    }
    shown, _ = shown_to(Parent(), lambda inside: FitnessSharing(Smoothed(inside), 1.0), rounds)
    # Two at one place: a worth of 2 and 1, halved, is in each round the same.
    assert shown == [(-0.5, -1.0)] * 3


def test_a_genome_that_was_not_bred_here_remembers_nothing():
    evolution = Evolution([Smoothed(Truncation()), Gaussian(0.1)])
    (genome,) = beginners(1)
    moved = evolution.mutate(genome.set_fitness(1.0), Random(1))
    assert moved.alleles["lr"].value != 0.1
    assert memory(moved) == {"fixed": {}, "nesterov": {}, "lr": {}}


def test_without_an_active_gene_the_fitness_itself_counts():
    fixed = [Genome({"lr": FloatAllele(0.1, can_mutate=False)}) for _ in range(2)]
    evolution, inside = Evolution([Smoothed(Parent()), Dominant()]), Parent()
    genomes = bred(evolution, evaluated(fixed, (1.0, 2.0)))
    Evolution([Smoothed(inside)]).select(
        genomes[0].set_fitness(5.0), evaluated(genomes, (5.0, 1.0))
    )
    assert inside.shown == [(5.0, 1.0)]


def test_the_largest_fitnesses_have_a_mean_a_median_and_a_slope():
    rounds = [(1.7e308, -1.7e308), (1.7e308, 1.7e308)]
    for by in ("mean", "median"):
        shown, _ = shown_to(Parent(), lambda inside, by=by: Smoothed(inside, by=by), rounds)
        assert shown[1] == (1.7e308, 0.0)
    shown, _ = shown_to(Parent(), ImprovementRate, rounds)
    assert shown[1] == (0.0, math.inf)


def test_a_late_bloomer_wins_by_progress_and_loses_by_fitness():
    """Rank 0 is at rest at 1, rank 1 comes down from 10 by one a round."""
    rounds = [(1.0, 10.0 - i) for i in range(4)]
    for wrap, survivors in ((ImprovementRate, [1, 1]), (Smoothed, [0, 0])):
        _, genomes = shown_to(Parent(), wrap, rounds)
        population = evaluated(genomes, (1.0, 6.0))
        evolution = Evolution([wrap(Truncation())])
        chosen = [evolution.select(me, population, Random(1)).dominant for me in population]
        assert chosen == survivors
