"""The claims of the notes, each in its quick form, and the parts that they need."""

import importlib.util
import json
from random import Random

import pytest
import torch

from clantune_core import Ancestry, Genome, Population
from clantune_neuro import Blueprint, Gene, Lineage, Nursery, OperatorError, Score, Task, recipes
from clantune_neuro.command import main
from clantune_neuro.evaluation.record import Record
from clantune_neuro.networks import Heads, LinearPolicy
from clantune_neuro.repro import heads, nograd, row_addition, till_death, units
from clantune_neuro.repro.curves import Interval, by_evaluation, by_generation, loss_at, marks
from clantune_neuro.repro.rows_crossover import ByRow
from clantune_neuro.repro.runs import (
    Bar,
    Outcome,
    evolved,
    median_generations,
    num_evaluations,
    num_solved,
    seeds_from,
    shown_seeds,
)
from clantune_neuro.repro.schemes import SMALL, Scheme, Size
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.strategies.parents import Parents
from clantune_neuro.tasks import Memorise
from clantune_neuro.tasks.trace import RowTrace

PROGRAM = "clantune neuro"
FACTS = {"seeds", "seconds", "processor seconds"}


def repro(capsys, *arguments):
    status = main(["repro", *arguments], PROGRAM)
    return status, capsys.readouterr()


def quick(capsys, *arguments):
    """Return the report of a quick form whose gates hold."""
    status, printed = repro(capsys, *arguments, "--quick", "--seeds", "1", "--json")
    report = json.loads(printed.out)
    assert status == 0, report["gates"]
    assert printed.err == ""
    assert report["facts"].keys() >= FACTS
    assert report["claim"]
    return report


def ignore(done, total):
    """Show no progress."""


def outcome(*, solved=True, generations=3, score=0.0, curve=(-2.0, -1.0, 0.0), seed=0):
    return Outcome(seed, generations, 10, score, solved, 0.1, curve)


# ---- Every claim ----


@pytest.mark.parametrize("arguments", [(), ("--blind",), ("--loss", "argmax", "--first-seed", "7")])
def test_duplication_gives_all_right_answers(arguments, capsys):
    report = quick(capsys, "till-death", *arguments)
    (line,) = report["lines"][1:]
    assert line[4] == 4
    assert report["facts"]["seeds"] == ("7" if "--first-seed" in arguments else "0")
    assert report["facts"]["evaluations"] > report["facts"]["median generations"] > 0


def test_addition_to_rows_lets_norms_grow_and_norm_keeps_them(capsys):
    report = quick(capsys, "heads")
    assert [line[0] for line in report["lines"]] == ["scheme", "asexual", "row by row", "norm"]
    grown, kept = report["gates"]
    assert grown["value"] >= grown["limit"]
    assert kept["value"] <= kept["limit"]
    _, asexual, by_row, _ = report["lines"]
    low, high = sorted((asexual[3], by_row[3]))
    shown = f"{low}" if low == high else f"{low} to {high}"
    assert report["facts"]["wrong by addition to one row"] == f"{shown} of 4"


def test_an_experiment_with_parents_has_curves_and_no_gate(capsys):
    report = quick(capsys, "nograd")
    assert report["gates"] == []
    assert [*report["facts"]["curves"]] == [
        "(1, 16) 0.02",
        "(1, 16) 0.05",
        "(8, 32) 0.02",
        "(8, 32) 0.05",
    ]
    assert report["facts"]["by generation"].startswith("(8, 32) 0.0")


def test_an_experiment_with_strengths_names_the_best(capsys):
    report = quick(capsys, "sigma-parents")
    assert report["gates"] == []
    best = report["facts"]["strengths, best first"].split(", ")
    assert len(best) == 12  # the names of the six schemes have a comma each
    assert report["facts"]["parents, best first"].startswith("(2, 128) 0.02: ")


def test_adam_learns_and_the_report_counts_its_steps(capsys):
    report = quick(capsys, "adam", "--rates", "0.003")
    assert [line[0] for line in report["lines"][1:]] == [64, 32]
    assert report["facts"]["steps"] == sum(line[4] for line in report["lines"][1:])


def test_both_recipes_learn_digits(capsys):
    pytest.importorskip("sklearn", reason="the extra 'digits' is not installed")
    report = quick(capsys, "digits")
    assert [line[0] for line in report["lines"][1:]] == ["average", "asexual"]
    assert [gate["name"] for gate in report["gates"]] == [
        f"seeds whose best member of {name} gets 0.15 of held-out digits right"
        for name in ("average", "asexual")
    ]
    assert min(line[4] for line in report["lines"][1:]) >= 0.15


def test_a_pole_stays_up_on_episodes_that_no_selection_sees(capsys):
    pytest.importorskip("gymnasium", reason="the extra 'gym' is not installed")
    report = quick(capsys, "cartpole", "--episodes", "5")
    (line,) = report["lines"][1:]
    assert line[-1] >= 50.0
    assert report["facts"]["frames"] > 0


@pytest.mark.skipif(
    importlib.util.find_spec("ale_py") is not None, reason="the extra 'atari' is installed"
)
def test_frostbite_without_its_package_names_the_extra(capsys):
    status, printed = repro(capsys, "frostbite", "--quick")
    assert status == 2
    assert printed.err == (
        'clantune neuro repro: ale-py is not installed: pip install "clantune-neuro[atari]"\n'
    )


def test_frostbite_is_played(capsys):
    pytest.importorskip("ale_py", reason="the extra 'atari' is not installed")
    report = quick(capsys, "frostbite")
    assert report["facts"]["frames"] > 0


# ---- Gates that are missed ----


def test_a_missed_gate_gives_the_exit_status_1(capsys):
    status, printed = repro(capsys, "adam", "--quick", "--seeds", "1", "--rates", "1e-9")
    assert status == 1
    assert "DOES NOT HOLD" in printed.out


def test_one_unsolved_seed_misses_the_gate_of_duplication():
    problem = till_death.Problem(64, 128, "till_death", blind=False)
    solved, fast = till_death._gates(problem, [outcome(), outcome(solved=False)])
    assert (solved.holds, fast.holds) == (False, False)


def test_a_slow_median_misses_the_gate_of_duplication():
    problem = till_death.Problem(64, 128, "till_death", blind=False)
    solved, fast = till_death._gates(problem, [outcome(generations=151)])
    assert (solved.holds, fast.holds) == (True, False)


@pytest.mark.parametrize(("points", "blind", "generations"), [(64, True, 6_000), (256, False, 700)])
def test_the_blind_form_and_more_points_have_no_limit_of_the_median(points, blind, generations):
    problem = till_death.Problem(points, 512, "till_death", blind)
    (gate,) = till_death._gates(problem, [outcome()])
    assert gate.name == f"solved within {generations:,} generations"
    assert gate.holds


def test_right_answers_are_counted_for_both_losses():
    assert till_death.Problem(64, 128, "till_death", blind=False).right(outcome(score=9.0)) == 9
    assert till_death.Problem(64, 128, "wrong", blind=False).right(outcome(score=-1.5)) == 61


def test_an_unknown_loss_is_misuse(capsys):
    status, printed = repro(capsys, "till-death", "--loss", "nothing")
    assert status == 2
    assert "invalid choice: 'nothing'" in printed.err


# ---- The notes' operator and crossover ----


def bank(rows=4):
    return Blueprint.of(Heads(rows, features=8, classes=3), operators=[row_addition.NAME, "norm"])


def added(blueprint, seed):
    return Gene(blueprint.number_of(row_addition.NAME), 0, 0, seed)


def test_addition_changes_the_features_and_logits_of_one_row():
    blueprint = bank()
    nursery, born = Nursery(blueprint), Lineage.born(1)
    before, after = nursery.weights(born), nursery.weights(born.append(added(blueprint, 4 * 9 + 2)))
    for name in ("features", "logits"):
        changed = (before[name] != after[name]).any(1)
        assert changed.tolist() == [False, False, True, False]
    step = after["features"][2] - before["features"][2]
    assert 0.5 < float(step.std()) < 2.0


def test_additions_to_rows_give_the_same_bits_in_any_order():
    blueprint = bank()
    one = other = Lineage.born(1)
    genes = [added(blueprint, seed) for seed in (6, 2, 11)]
    for gene, last in zip(genes, reversed(genes), strict=True):
        one, other = one.append(gene), other.append(last)
    nursery = Nursery(blueprint, 0)
    assert nursery.state(one).sha256 == nursery.state(other).sha256


def crossed(first, second, rng):
    blueprint = bank()
    alleles = []
    for seeds in (first, second):
        allele = blueprint.allele(1)
        for seed in seeds:
            allele = allele.append(added(blueprint, seed))
        alleles.append(allele)
    members = Population([Genome({"weights": allele}) for allele in alleles])
    ancestry = Ancestry.from_shares({0: 0.5, 1: 0.5}, members)
    parents = Parents.of(alleles, ancestry)
    child = parents.child(ByRow().tail(parents, rng))
    return [gene.seed for gene in child.value.genes(1)]


def test_a_child_has_the_genes_of_one_parent_in_each_row():
    first, second = [0, 1, 2, 3, 4, 5], [0, 1, 10, 11, 8, 9]
    found = set()
    for number in range(200):
        seeds = crossed(first, second, Random(number))
        assert seeds[:2] == [0, 1]
        for row in range(4):
            of_row = [seed for seed in seeds if seed % 4 == row]
            assert of_row in (
                [seed for seed in first if seed % 4 == row],
                [seed for seed in second if seed % 4 == row],
            )
        found.add(tuple(seeds))
    assert len(found) == 16


# ---- Runs and curves ----


class Counting(Task):
    """A task whose best score is that of generation 0."""

    @property
    def perfect(self):
        return 1.0

    def score(self, network, context):
        return Score(1.0)


def small_run():
    return Evolve(torch.nn.Linear(2, 2), Counting(), recipes.asexual(parents=2, children=3))


def test_a_run_ends_at_a_perfect_score_or_goes_on():
    seen = []
    bar = Bar(lambda *shown: seen.append(shown), 2, 4)
    ended = evolved(small_run(), Counting(), 5, 4, bar)
    assert (ended.seed, ended.generations, ended.solved, ended.looks) == (5, 0, True, ())
    gone_on = evolved(
        small_run(),
        Counting(),
        5,
        4,
        bar,
        look=lambda run: run.generation,
        look_at=(0, 2),
        go_on=True,
    )
    assert gone_on.generations == 4
    assert gone_on.curve == (1.0,) * 5
    assert gone_on.looks == (0, 2, 4)
    assert seen == [(0, 8), (4, 8), (4, 8), (5, 8), (6, 8), (7, 8), (8, 8), (8, 8)]


def test_runs_without_a_solution_count_as_endless():
    runs = [outcome(generations=7), outcome(solved=False), outcome(solved=False)]
    assert median_generations(runs[:1]) == 7
    assert median_generations(runs) == float("inf")
    assert (num_solved(runs), num_evaluations(runs)) == (1, 30)


def test_seeds_are_shown_from_first_to_last():
    assert shown_seeds(seeds_from(3, 1)) == "3"
    assert shown_seeds(seeds_from(3, 4)) == "3 to 6"


def test_an_interval_shows_its_limits_where_runs_differ():
    assert str(Interval.of([2.0, 2.0])) == "2"
    assert str(Interval.of([1.0, 2.0, 6.0])) == "3 (1 to 6)"


def test_curves_are_compared_by_generation_and_by_evaluation():
    one, many = Scheme(1, 16, 0.02), Scheme(8, 32, 0.02)
    found = {
        one: [outcome(curve=(-9.0, -8.0, -7.0, -6.0, -5.0))],
        many: [outcome(curve=(-9.0, -7.0, -5.0, -3.0, -1.0))],
    }
    assert marks(4, 2) == [2, 4]
    head, *rows = by_generation(found, 4)
    assert head == ("loss by generation", "0", "1", "2", "3", "4")
    assert [*rows[1]] == ["(8, 32) 0.02", "9", "7", "5", "3", "1"]
    head, *rows = by_evaluation(found, 4)
    assert head == ("loss by evaluation", "12", "25", "38", "51", "64")
    assert [*rows[0]] == ["(1, 16) 0.02", "9", "8", "7", "6", "5"]
    assert [*rows[1]] == ["(8, 32) 0.02", "9", "9", "7", "7", "5"]
    assert nograd._verdict(found, 4, 2) == (
        "(8, 32) 0.02 at 2 passes (1, 16) 0.02 at 4 on 0 of 1 seeds and stays behind on 0: "
        "5 against 5"
    )


def test_a_curve_that_ended_keeps_its_last_loss():
    assert loss_at(outcome(), 1) == 1.0
    assert loss_at(outcome(), 99) == 0.0


def test_a_scheme_is_born_with_the_standard_deviation_of_the_notes():
    run = Scheme(1, 2, 0.02).run(Size(), "wrong", 0)
    weights = Nursery(run.settings.blueprint).weights(Lineage.born(3))
    for tensor in weights.values():
        wanted = 2 / tensor[0].numel() ** 0.5
        assert abs(float(tensor.std()) / wanted - 1) < 0.05
    assert sum(tensor.numel() for tensor in weights.values()) == 605_184


def test_a_small_scheme_keeps_its_best_member():
    run = Scheme(2, 4, 0.1).run(SMALL, "cross_entropy", 0)
    scores = [run.step().best for _ in range(4)]
    assert scores == sorted(scores)
    assert len(run.population) == 5


def test_points_of_the_heads_are_one_batch():
    assert heads._task(8, 1) == Memorise(points=8, batch=8, loss="wrong", seed=1)


# ---- Hidden units of a dense network ----


@pytest.mark.parametrize("arguments", [(), ("--trace",)])
def test_a_dense_network_learns_by_units_that_are_replaced(arguments, capsys):
    report = quick(capsys, "dense", *arguments)
    assert report["gates"] == []
    (line,) = report["lines"][1:]
    curve = report["facts"]["curves"]["0"]
    assert curve == sorted(curve)
    assert line[-1] == curve[-1] >= 1


def dense_blueprint():
    network = LinearPolicy(8, hidden=4, classes=3, bias=True)
    return Blueprint.of(network, operators=[units.FRESH, units.COLUMN])


@pytest.mark.parametrize(("name", "replaces_row"), [(units.FRESH, True), (units.COLUMN, False)])
def test_a_gene_replaces_one_unit(name, replaces_row):
    blueprint = dense_blueprint()
    nursery, born = Nursery(blueprint), Lineage.born(1)
    gene = Gene(blueprint.number_of(name), seed=4 * 5 + 2)
    before, after = nursery.weights(born), nursery.weights(born.append(gene))
    rows = (before[units.HIDDEN] != after[units.HIDDEN]).any(1)
    columns = (before[units.OUT] != after[units.OUT]).any(0)
    assert rows.tolist() == [False, False, replaces_row, False]
    assert columns.tolist() == [False, False, True, False]
    if replaces_row:
        assert abs(float(after[units.HIDDEN][2].norm()) - 1) < 1e-6


def test_operators_of_units_need_a_hidden_layer():
    with pytest.raises(OperatorError) as raised:
        Blueprint.of(torch.nn.Linear(2, 2), operators=[units.FRESH])
    assert str(raised.value) == (
        "the operators of hidden units need the tensors 'hidden.weight' and 'out.weight'; use a "
        "LinearPolicy"
    )


def test_with_a_trace_a_fresh_column_is_that_of_the_blamed_unit():
    blueprint = dense_blueprint()
    parent = Record(1.0, trace=RowTrace(blamed=(3,), used=(0,))).added_to(
        Genome({"weights": blueprint.allele(1)})
    )
    population = Population([parent])
    drawn = {units.FRESH: set(), units.COLUMN: set()}
    for number in range(60):
        child = units.ReplaceUnit(trace=True).handle_mutating(
            parent.alleles["weights"], Ancestry.sole(0, population), population, Random(number)
        )
        gene = child.value.gene(1)
        drawn[blueprint.entry(gene.operator).name].add(gene.seed % 4)
    assert drawn == {units.FRESH: {0, 1, 2, 3}, units.COLUMN: {3}}


def test_the_most_active_unit_of_each_point_is_known():
    network = units.ActiveUnits(2, hidden=2, classes=3, bias=True)
    with torch.no_grad():
        network.hidden.weight.copy_(torch.eye(2))
    answer = network(torch.tensor([[1.0, 3.0], [2.0, 0.5]]))
    assert answer.rows.tolist() == [1, 0]
    assert answer.similarities.tolist() == [3.0, 2.0]
    plain = LinearPolicy(2, hidden=2, classes=3, bias=True)
    plain.load_state_dict(network.state_dict())
    assert torch.equal(plain(torch.ones(1, 2)), network(torch.ones(1, 2)).logits)
