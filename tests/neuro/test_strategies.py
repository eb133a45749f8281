"""Strategies that append genes, kill offspring, and order members."""

import math
import pickle
from random import Random

import pytest
from families import member, mutated
from networks import BANK, DENSE, random_chain

from clantune_core import Evolution, FloatAllele, Genome, Population, StrategyError, member_rng
from clantune_neuro import (
    Append,
    Blueprint,
    Duplicate,
    Gene,
    LethalRate,
    Lexicographic,
    Lineage,
    LineageAllele,
    Nursery,
    OperatorError,
    Repeat,
    Score,
    TaskContext,
    recipes,
)
from clantune_neuro.evaluation.loop import loop, prepared
from clantune_neuro.evaluation.record import Record
from clantune_neuro.lineage.blueprint import STRENGTH
from clantune_neuro.lineage.gene import strength_number
from clantune_neuro.networks import Heads
from clantune_neuro.operators.rows import drawn_rows, seed_of_rows
from clantune_neuro.strategies.lethal import BORN_DEAD, is_born_dead
from clantune_neuro.tasks import Memorise
from clantune_neuro.tasks.trace import RowTrace
from clantune_strategies import Gaussian, KeepBest, Perturb, Tournament

STEM = random_chain(BANK, 3, seed=5)


def last(allele):
    return allele.value.gene(allele.value.num_genes - 1)


def refused(kind, *arguments, **named):
    with pytest.raises(StrategyError) as info:
        kind(*arguments, **named)
    return str(info.value)


def traced(blamed, used, base=1.0):
    return member(0, STEM, score=Score(base, trace=RowTrace(blamed, used)))


# ---- Append ----


def test_append_adds_one_gene_of_its_operator():
    made = mutated(Append("fresh"), member(0, STEM, strength=0.02))
    assert made.value[:-16] == STEM
    assert last(made).operator == BANK.number_of("fresh")
    assert last(made).argument == 0
    assert last(made).strength == strength_number(0.02)


def test_seeds_differ_from_offspring_to_offspring():
    seeds = {last(mutated(Append("fresh"), member(0, STEM), seed=n)).seed for n in range(50)}
    assert len(seeds) == 50
    assert max(seeds) >= 2**56


def test_the_strength_is_that_of_the_offspring_wherever_it_changes_in_the_list():
    parent = member(0, STEM, strength=0.5)
    family = Population([parent])
    doubled = [Perturb((2.0,)), Append("fresh")]
    for strategies in (doubled, doubled[::-1]):
        made = Evolution(strategies).mutate(parent, Random(0), population_genomes=family)
        assert last(made.alleles["weights"]).strength == 0
        assert made.alleles["weights"].metadata[STRENGTH].value == 1.0


def test_arguments_are_drawn_from_all_that_the_operator_takes():
    made = {last(mutated(Append("rank-1"), member(0, STEM), seed=n)).argument for n in range(40)}
    assert made == {0, 1, 2}


def test_arguments_may_be_given():
    only = Append("rank-1", arguments=[0, 2])
    assert {last(mutated(only, member(0, STEM), seed=n)).argument for n in range(40)} == {0, 2}


def test_operators_are_drawn_by_their_weights():
    mixed = Append({"duplicate": 3.0, "fresh": 1.0})
    genes = [last(mutated(mixed, member(0, STEM), seed=n)).operator for n in range(400)]
    assert {*genes} == {BANK.number_of("duplicate"), BANK.number_of("fresh")}
    assert 260 < genes.count(BANK.number_of("duplicate")) < 340


def test_append_leaves_other_kinds_as_they_are():
    genome = Genome({"lr": FloatAllele(1.0)})
    assert Evolution([Append("fresh")]).mutate(genome, Random(0)) == genome


@pytest.mark.parametrize("operator", [{}, {"fresh": 0}, 3, {"fresh": math.inf}, {1: 1.0}])
def test_append_refuses_what_is_no_operator(operator):
    shown = repr(tuple(operator.items()) if isinstance(operator, dict) else operator)
    assert refused(Append, operator) == (
        "Append: operator must be the name of an operator, or map names to weights above 0, such "
        f'as {{"duplicate": 0.5, "fresh": 0.5}}; got {shown}'
    )


@pytest.mark.parametrize("arguments", [(), (0.5,), 3, (True,)])
def test_append_refuses_arguments_that_are_no_integers(arguments):
    assert refused(Append, "rank-1", arguments=arguments) == (
        f"Append: arguments must be one or more integers in a list, or None; got {arguments!r}"
    )


def test_append_names_an_argument_that_the_operator_does_not_take():
    with pytest.raises(StrategyError) as info:
        mutated(Append("rank-1", arguments=[3]), member(0, STEM))
    assert str(info.value) == (
        "Append: the operator 'rank-1' does not take the argument 3; it takes 0, 1, 2"
    )


def test_append_names_an_operator_that_the_blueprint_lacks():
    with pytest.raises(OperatorError) as info:
        mutated(Append("fresh"), member(0, Lineage.born(1), DENSE))
    assert str(info.value).startswith("the blueprint has no operator 'fresh'; it has normal, ")


def test_a_lineage_without_a_strength_is_an_error():
    genome = Genome({"weights": LineageAllele(STEM, BANK)})
    with pytest.raises(StrategyError) as info:
        Evolution([Append("fresh")]).mutate(genome, Random(0))
    assert str(info.value) == (
        "Append: the lineage of gene 'weights' has no 'neuro/strength' in its metadata; make it "
        "with Blueprint.allele(seed, strength)"
    )


# ---- Repeat ----


def test_repeat_appends_the_last_gene_with_another_strength():
    made = mutated(Repeat(0.5, 1.0), member(0, STEM))
    before = STEM.gene(3)
    assert made.value[:-16] == STEM
    assert last(made) == Gene(before.operator, before.argument, before.strength - 64, before.seed)


def test_repeat_after_append_repeats_the_gene_of_the_parent():
    parent = member(0, STEM)
    family = Population([parent])
    both = Evolution([Append("fresh"), Repeat(1.0, 1.0)])
    bred = parent.offspring(both_ancestry(family), Random(0))
    made = both.mutate(bred, Random(0), my_genome=parent, population_genomes=family)
    assert last(made.alleles["weights"]) == STEM.gene(3)


def both_ancestry(family):
    return Evolution([Tournament()]).select(family[0], family, Random(0))


def test_repeat_has_nothing_to_repeat_after_a_birth():
    assert mutated(Repeat(1.0, 1.0), member(0, Lineage.born(3))).value == Lineage.born(3)


def test_a_direction_fades_away_and_never_explodes():
    weak = Lineage.born(1).append(Gene(2, 0, -20 * 64, 7))
    assert mutated(Repeat(0.9, 1.0), member(0, weak)).value == weak
    strong = Lineage.born(1).append(Gene(2, 0, 2 * 64, 7))
    assert last(mutated(Repeat(4.0, 1.0), member(0, strong))).strength == 2 * 64


def test_repeat_acts_by_chance():
    made = [mutated(Repeat(0.5, 0.25), member(0, STEM), seed=n).value for n in range(400)]
    assert 60 < sum(each != STEM for each in made) < 140


# ---- Duplicate ----


@pytest.mark.parametrize("rows", [1, 2, 8, 1000, 2**32])
def test_a_seed_holds_the_rows_that_a_strategy_chose(rows):
    rng = Random(rows)
    for _ in range(200):
        row, copied = rng.randrange(rows), rng.randrange(rows)
        seed = seed_of_rows(row, copied, rows, rng.getrandbits(64))
        assert 0 <= seed <= 2**64 - 1
        assert drawn_rows(seed, rows) == (row, copied)


def test_with_a_trace_a_blamed_row_is_copied_into_an_unused_one():
    parent = traced(blamed=[3, 6], used=[0, 1, 2, 3, 4])
    made = [mutated(Duplicate(label=0.0), parent, seed=n) for n in range(60)]
    assert {last(each).operator for each in made} == {BANK.number_of("duplicate")}
    rows = {drawn_rows(last(each).seed, 8) for each in made}
    assert rows == {(row, copied) for row in (5, 6, 7) for copied in (3, 6)}


def test_or_the_logits_of_the_blamed_row_are_drawn_anew():
    parent = traced(blamed=[3], used=[0])
    made = [mutated(Duplicate(), parent, seed=n) for n in range(300)]
    labels = [last(each) for each in made if last(each).operator == BANK.number_of("label")]
    assert 90 < len(labels) < 150
    assert {drawn_rows(gene.seed, 8)[0] for gene in labels} == {3}


def test_where_every_row_is_used_any_row_is_replaced():
    parent = traced(blamed=[3], used=range(8))
    made = [mutated(Duplicate(label=0.0), parent, seed=n) for n in range(200)]
    assert {drawn_rows(last(each).seed, 8) for each in made} == {(row, 3) for row in range(8)}


@pytest.mark.parametrize("base", [64.0, math.nan])
def test_a_perfect_or_a_dead_parent_blames_any_row(base):
    parent = traced(blamed=[], used=[0], base=base)
    made = [mutated(Duplicate(label=0.0), parent, seed=n) for n in range(200)]
    assert {drawn_rows(last(each).seed, 8)[1] for each in made} == {*range(8)}


def test_blind_duplication_draws_both_rows_and_needs_no_trace():
    made = [mutated(Duplicate(trace=False), member(0, STEM), seed=n) for n in range(400)]
    assert {last(each).operator for each in made} == {BANK.number_of("duplicate")}
    assert len({drawn_rows(last(each).seed, 8) for each in made}) == 64


def test_the_trace_is_that_of_the_parent_and_not_of_the_member_that_is_replaced():
    me = member(1, STEM, score=Score(0.0, trace=RowTrace([7], [7])))
    made = mutated(Duplicate(label=1.0), traced(blamed=[2], used=[]), me)
    assert drawn_rows(last(made).seed, 8)[0] == 2


def test_a_task_without_a_trace_is_told_what_to_write():
    with pytest.raises(StrategyError) as info:
        mutated(Duplicate(), member(0, STEM, score=Score(1.0)))
    assert str(info.value) == (
        "Duplicate: the score of genome 00000000-0000-0000-0000-000000000001 has no trace; let the "
        "method `score` of the task return Score(base=..., trace=RowTrace(...)), or use "
        "Duplicate(trace=False)"
    )


def test_a_network_without_a_bank_is_an_error():
    with pytest.raises(OperatorError, match=r"^the blueprint has no operator 'duplicate'; "):
        mutated(Duplicate(), member(0, Lineage.born(1), DENSE))


# ---- LethalRate ----


def test_a_rate_beyond_the_limit_kills_and_a_lower_one_does_not():
    for strength, dead in ((0.5, True), (0.25, False), (0.1, False)):
        genome = member(0, STEM, strength=strength)
        made = Evolution([LethalRate(limit=0.25)]).mutate(genome, Random(0))
        assert is_born_dead(made) is dead


def test_the_limit_is_an_allele_that_is_inherited_and_mutates():
    ready = Evolution([LethalRate(limit=0.25)]).setup(member(0, STEM, strength=0.2))
    limit = ready.alleles["weights"].metadata["neuro/strength/limit"]
    assert limit.value == 0.25
    assert limit.can_mutate
    moved = Evolution([Gaussian(0.1), LethalRate(limit=0.25)]).mutate(ready, Random(0))
    assert moved.alleles["weights"].metadata["neuro/strength/limit"].value != 0.25


def test_the_inherited_limit_counts_and_not_that_of_the_strategy():
    ready = Evolution([LethalRate(limit=0.25)]).setup(member(0, STEM, strength=0.3))
    assert not is_born_dead(Evolution([LethalRate("neuro/strength", 4.0)]).mutate(member(0, STEM)))
    assert is_born_dead(Evolution([LethalRate("neuro/strength", 4.0)]).mutate(ready, Random(0)))


def test_a_limit_may_be_fixed():
    ready = Evolution([LethalRate(learned=False)]).setup(member(0, STEM))
    assert not ready.alleles["weights"].metadata["neuro/strength/limit"].can_mutate


def test_the_offspring_of_a_dead_parent_may_live():
    dead = Evolution([LethalRate(limit=0.25)]).mutate(member(0, STEM, strength=0.5), Random(0))
    assert dead.alleles["weights"].metadata[BORN_DEAD] == "neuro/strength"
    cured = Evolution([Perturb((0.1,)), LethalRate(limit=0.25)]).mutate(dead, Random(0))
    assert not is_born_dead(cured)


def test_a_rate_that_does_not_exist_is_named():
    with pytest.raises(StrategyError) as info:
        mutated(LethalRate("rate"), member(0, STEM))
    assert str(info.value) == (
        "LethalRate: the lineage of gene 'weights' has no 'rate' in its metadata; it has "
        "neuro/strength"
    )


# ---- Lexicographic ----


def positions(scores, then=("intrinsic", "age")):
    """Return the positions of members with some bases, intrinsic scores and births."""
    family = [
        member(i, STEM, score=Score(base, intrinsic), born=born)
        for i, (base, intrinsic, born) in enumerate(scores)
    ]
    return Lexicographic(Tournament(), then).positions(Population(family))


def test_the_base_counts_first_then_the_intrinsic_score_then_the_newest():
    scores = [(1, 9, 9), (2, 0, 0), (2, 1, 0), (2, 1, 3), (math.nan, 9, 9)]
    assert positions(scores) == [3, 2, 1, 0, math.inf]


def test_members_that_are_equal_share_a_position():
    assert positions([(1, 0, 2), (1, 0, 2), (0, 0, 2)]) == [0, 0, 2]


def test_criteria_may_be_left_out_or_exchanged():
    scores = [(1, 0, 5), (1, 1, 0)]
    assert positions(scores) == [1, 0]
    assert positions(scores, ["age", "intrinsic"]) == [0, 1]
    assert positions(scores, []) == [0, 0]


def test_elites_are_the_newest_of_the_equal_members():
    family = Population([member(i, STEM, score=Score(1.0), born=i) for i in range(6)])
    strategy = Lexicographic(KeepBest(Tournament(1, 1), 2))
    evolution = Evolution([strategy])
    kept = [
        evolution.select(each, family, Random(n)).contributors
        for n, each in enumerate(family)
        if n >= 4
    ]
    assert kept == [((4, 1.0),), ((5, 1.0),)]


def test_each_population_is_ordered_anew():
    strategy = Lexicographic(Tournament(9, 1))
    for best in (0, 2, 1):
        family = Population([member(i, STEM, score=Score(i == best)) for i in range(3)])
        chosen = Evolution([strategy]).select(family[0], family, Random(3))
        assert chosen.contributors == ((best, 1.0),)
    assert pickle.loads(pickle.dumps(strategy)) == strategy


def test_a_genome_without_a_record_is_told_what_to_call():
    family = Population([Genome({"lr": FloatAllele(1.0)}).set_fitness(1.0)])
    with pytest.raises(ValueError, match="has no record of an evaluation"):
        Lexicographic(Tournament()).positions(family)


@pytest.mark.parametrize("then", ["age", ("old",), ("age", "age"), 3])
def test_other_criteria_are_refused(then):
    assert refused(Lexicographic, Tournament(), then) == (
        "Lexicographic: then must be a list of some of intrinsic, age, each at most once; got "
        f"{then!r}"
    )


# ---- On a task ----


def test_duplication_with_a_trace_learns_points_by_heart():
    recipe = recipes.duplicate(elites=8, children=24)
    network, task = Heads(32, features=32, classes=10), Memorise(points=16, inputs=(32,), batch=16)
    blueprint, evolution, module = Blueprint.of(network), Evolution(recipe), prepared(network)
    nursery = Nursery(blueprint)
    family = [member(i, Lineage.born(0), blueprint) for i in range(recipe.population)]
    family = [each.set_fitness(None) for each in family]
    for generation in range(60):
        for rank, genome in enumerate(family):
            if genome.fitness is None:
                weights = nursery.weights(genome.alleles["weights"])
                (score,) = loop(module, [weights], task, TaskContext(generation))
                family[rank] = Record.of_score(score, generation).added_to(genome)
        best = max(Record.of(genome).base for genome in family)
        if best == task.perfect:
            break
        family = next_generation(evolution, Population(family), generation)
    assert best == 16
    assert generation > 3


def next_generation(evolution, family, generation):
    """Return the offspring of all members; an elite keeps its record."""
    made = []
    for rank, genome in enumerate(family):
        child = evolution.offspring(genome, family, member_rng(1, generation, rank))
        parent = family[child.parents.dominant]
        same = child.alleles == parent.alleles
        made.append(Record.of(parent).added_to(child) if same else child)
    return made
