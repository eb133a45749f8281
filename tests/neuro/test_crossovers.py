"""Crossovers of lineages."""

import math
from collections import Counter
from random import Random

import pytest
from families import crossed, families, member
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import BANK, DENSE, random_chain

from clantune_core import Ancestry, Evolution, FloatAllele, Genome, Population
from clantune_neuro import (
    ByPosition,
    Gene,
    Lineage,
    LineageAllele,
    LineageError,
    Mean,
    Nursery,
    OnePoint,
    Union,
)
from clantune_neuro.lineage.lineage import SPAN
from clantune_neuro.strategies.parents import common_genes
from clantune_strategies import Dominant

STEM = random_chain(BANK, 4, seed=1)
KINDS = [Union(), OnePoint(), ByPosition(), Mean()]


def genes(*numbers):
    """Return genes of the first operator that can be told apart by their seeds."""
    return [Gene(2, 0, -128, number) for number in numbers]


def grown(stem, *numbers):
    """Return a lineage with some more genes."""
    for gene in genes(*numbers):
        stem = stem.append(gene)
    return stem


def seeds(lineage, start=5):
    return [gene.seed for gene in lineage.genes(start)]


# ---- All of them ----


@pytest.mark.parametrize("strategy", KINDS, ids=repr)
def test_one_parent_and_equal_parents_are_copied(strategy):
    one = grown(STEM, 1, 2)
    assert crossed(strategy, [one, STEM], [1.0, 0.0]) == one
    assert crossed(strategy, [one, Lineage(str(one))]) == one


@pytest.mark.parametrize("strategy", KINDS, ids=repr)
@settings(max_examples=10)
@given(families(), st.integers(0, 99))
def test_an_offspring_has_genes_of_its_parents_after_the_birth_of_the_dominant_one(
    strategy, family, seed
):
    ancestry = Ancestry.from_weights([1.0] * len(family), family)
    made = Evolution([strategy]).crossbreed(family[0], family, Random(seed), ancestry=ancestry)
    child = made.alleles["weights"].value
    parents = [genome.alleles["weights"].value for genome in family]
    common = common_genes(parents)
    assert child[: 16 * max(1, common)] == parents[0][: 16 * max(1, common)]
    known = {(gene.operator, gene.seed) for each in parents for gene in each.genes(1)}
    assert {(gene.operator, gene.seed) for gene in child.genes(1)} <= known
    assert LineageAllele(str(child), BANK).value == child


@pytest.mark.parametrize("strategy", KINDS, ids=repr)
def test_an_offspring_takes_over_the_digests_of_the_genes_that_it_keeps(strategy):
    common = grown(STEM, *range(1, 2 * SPAN))
    one, other = grown(common, 1001), grown(common, 1002)
    one.digest(one.num_genes)
    child = crossed(strategy, [one, other])
    assert child.spans
    assert child.spans == one.spans[: len(child.spans)]
    anew = Lineage(str(child))
    lengths = range(1, child.num_genes + 1)
    assert [child.digest(n) for n in lengths] == [anew.digest(n) for n in lengths]


@pytest.mark.parametrize("strategy", KINDS, ids=repr)
def test_parents_of_other_births_give_genes_to_that_of_the_dominant_one(strategy):
    one, given_birth = grown(Lineage.born(1), 1, 2), grown(Lineage.given("ab" * 32), 3, 4)
    for weights, birth in (([2.0, 1.0], one[:16]), ([1.0, 2.0], given_birth[:64])):
        made = [crossed(strategy, [one, given_birth], weights, seed=n) for n in range(30)]
        assert {child[: len(birth)] for child in made} == {birth}
        later = {seed for child in made for seed in seeds(child, child.num_birth)}
        assert later <= {1, 2, 3, 4}
        assert len(later) > 2


@pytest.mark.parametrize("strategy", KINDS, ids=repr)
def test_other_kinds_are_left_to_the_next_strategy(strategy):
    family = Population([Genome({"lr": FloatAllele(float(n))}).set_fitness(0.0) for n in range(3)])
    ancestry = Ancestry.from_weights([0.0, 1.0, 2.0], family)
    made = Evolution([strategy, Dominant()]).crossbreed(family[0], family, ancestry=ancestry)
    assert made.alleles["lr"].value == 2.0


def test_the_strength_comes_from_the_next_strategy():
    family = Population([member(n, grown(STEM, n), strength=0.1 * (n + 1)) for n in range(2)])
    ancestry = Ancestry.from_weights([1.0, 2.0], family)
    made = Evolution([Union(), Dominant()]).crossbreed(family[0], family, ancestry=ancestry)
    assert made.alleles["weights"].metadata["neuro/strength"].value == 0.2


def test_genes_of_another_blueprint_are_refused():
    foreign = Lineage.born(1).append(Gene(BANK.number_of("remove"), 0, 0, 1))
    family = Population(
        [member(0, Lineage.born(1), DENSE), member(1, foreign, BANK)],
    )
    ancestry = Ancestry.from_weights([2.0, 1.0], family)
    with pytest.raises(LineageError, match=r"^gene 1: the operator number \d+ is unknown; "):
        Evolution([Mean()]).crossbreed(family[0], family, ancestry=ancestry)


@given(st.lists(st.lists(st.integers(0, 2), max_size=4), min_size=1, max_size=4))
def test_the_common_genes_are_those_at_the_start_of_all(tails):
    lineages = [grown(STEM, *tail) for tail in tails]
    expected = 5
    for column in zip(*tails, strict=False):
        if len({*column}) > 1:
            break
        expected += 1
    assert common_genes(lineages) == expected


# ---- Union ----


def test_a_union_keeps_what_all_parents_have_and_draws_the_others_by_their_shares():
    parents = [grown(STEM, 1, 9), grown(STEM, 2, 1, 3)]
    made = [seeds(crossed(Union(), parents, [3.0, 1.0], seed=n)) for n in range(400)]
    counts = Counter(seed for each in made for seed in each)
    assert counts[1] == 400
    assert 270 < counts[9] < 330
    assert 70 < counts[2] < 130
    assert 70 < counts[3] < 130


def test_the_genes_of_a_union_are_in_the_order_of_their_first_appearance():
    parents = [grown(STEM, 2, 1, 3), grown(STEM, 1, 9)]
    for seed in range(50):
        made = seeds(crossed(Union(), parents, [1.0, 3.0], seed=seed))
        assert made == [each for each in (1, 9, 2, 3) if each in made]


def test_a_gene_that_a_parent_has_twice_stays_twice():
    parents = [grown(STEM, 5, 1, 1), grown(STEM, 6, 1, 1)]
    assert all(seeds(crossed(Union(), parents, seed=n)).count(1) == 2 for n in range(50))


# ---- OnePoint ----


def test_one_point_cuts_both_parents_at_the_same_place():
    parents = [grown(STEM, 1, 2, 3), grown(STEM, 11, 12)]
    made = {tuple(seeds(crossed(OnePoint(), parents, seed=n))) for n in range(200)}
    one_first = {(11, 12), (1, 12), (1, 2), (1, 2, 3)}
    assert made == one_first | {(11, 2, 3), (11, 12, 3)}


def test_two_of_many_parents_are_drawn_by_their_shares():
    parents = [grown(STEM, n, n) for n in range(4)]
    made = [seeds(crossed(OnePoint(), parents, [8, 1, 1, 0], seed=n)) for n in range(100)]
    assert all(len({*each}) < 3 for each in made)
    assert {seed for each in made for seed in each} == {0, 1, 2}


# ---- ByPosition ----


def test_each_position_is_drawn_by_the_shares_of_the_parents_that_have_it():
    parents = [grown(STEM, 10, 11, 12), grown(STEM, 20)]
    made = [seeds(crossed(ByPosition(), parents, [3.0, 1.0], seed=n)) for n in range(400)]
    assert {tuple(each[1:]) for each in made} == {(), (11, 12)}
    assert 270 < sum(len(each) == 3 for each in made) < 330
    assert 270 < sum(each[0] == 10 for each in made) < 330


# ---- Mean ----


def test_a_step_of_one_of_four_parents_has_half_its_strength():
    parents = [grown(STEM, n) for n in range(4)]
    made = crossed(Mean(), parents).genes(5)
    assert [(gene.seed, gene.strength) for gene in made] == [(n, -128 - 64) for n in range(4)]


def test_the_notes_found_this_factor():
    parents = [grown(STEM, n) for n in range(64)]
    made = crossed(Mean(), parents)
    assert {gene.strength for gene in made.genes(5)} == {-128 + 64 * round(math.log2(8 / 64))}


@pytest.mark.parametrize(("factor", "strength"), [(0.0, -128 - 256), (0.5, -128 - 192)])
def test_a_smaller_factor_shortens_the_step_down_to_the_plain_mean(factor, strength):
    parents = [grown(STEM, n) for n in range(16)]
    assert {gene.strength for gene in crossed(Mean(factor), parents).genes(5)} == {strength}


def test_genes_of_all_parents_keep_their_strength_and_those_of_some_lose_less():
    parents = [grown(STEM, 1, 7), grown(STEM, 2, 7), grown(STEM, 1, 7), grown(STEM, 1, 7)]
    made = {gene.seed: gene.strength for gene in crossed(Mean(0.0), parents).genes(5)}
    assert made == {1: -128 + round(64 * math.log2(3 / 4)), 7: -128, 2: -128 - 128}


def test_a_plain_mean_is_the_mean_of_the_weights():
    stem = Lineage.born(3)
    parents = [random_grown(stem, seed) for seed in range(4)]
    nursery = Nursery(DENSE)
    mean = nursery.weights(crossed(Mean(0.0), parents, blueprint=DENSE))
    for name, weights in mean.items():
        expected = sum(nursery.weights(parent)[name] for parent in parents) / 4
        assert (weights - expected).abs().max() < 2.0**-20


def random_grown(stem, seed):
    return stem.append(Gene(DENSE.number_of("normal"), 0, -128, seed))


def test_steps_that_become_too_weak_are_left_out():
    weak = [STEM.append(Gene(2, 0, -20 * 64 + 10, n)) for n in range(4)]
    assert crossed(Mean(), weak) == STEM


def test_all_offspring_of_the_same_parents_have_the_same_mean():
    parents = [grown(STEM, n) for n in range(8)]
    assert crossed(Mean(), parents, seed=1) == crossed(Mean(), parents, seed=2)
