"""A run in memory: how it goes on, when it stops, and what it remembers."""

import logging
import math

import pytest
import torch
from evolving import Deadly, Failing, Near, Reachable, Shifting, lineages, network, rules, run
from torch import nn

from clantune_core import AbstractCrossbreedingStrategy, Ancestry, Evolution
from clantune_neuro import Blueprint, NeuroError, Nursery, StrengthError
from clantune_neuro.evaluation.record import Record
from clantune_neuro.evaluation.workplace import FailedError
from clantune_neuro.lineage.blueprint import STRENGTH
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.strategies.lethal import LethalRate, is_born_dead
from clantune_strategies import Dominant, KeepBest, Perturb, TopN, Tournament, WhenReplaced


def bases(population):
    return [Record.of(member).base for member in population]


def test_a_run_begins_with_one_birth_and_eighty_members():
    made = Evolve(network(), Near(), rules(), seed=7)
    assert made.generation == -1
    with pytest.raises(NeuroError, match="no generation has been evaluated; call `until` or"):
        made.population  # noqa: B018
    first = made.step()
    assert (first.number, first.evaluations, first.frames, first.dead) == (0, 1, 5, 0)
    assert len(made.population) == 80
    assert len({*lineages(made.population)}) == 1
    assert len({member.uuid for member in made.population}) == 80
    strength = made.best.genome.alleles["weights"].metadata[STRENGTH]
    assert strength.value == pytest.approx(0.02)


def test_two_runs_with_the_same_arguments_are_equal_and_with_another_seed_they_are_not():
    one, two, other = run(), run(), run(seed=4)
    for made in (one, two, other):
        made.until(6)
    assert [*one.population] == [*two.population]
    assert not {*lineages(one.population)} & {*lineages(other.population)}


def test_members_that_are_kept_are_not_evaluated_again():
    made = run()
    made.until(6)
    assert made.evaluations == 1 + 6 * 6  # two of eight are kept
    best = [made.best.score]
    for _ in range(4):
        made.step()
        best.append(made.best.score)
    assert best == sorted(best)


def test_members_that_are_kept_are_evaluated_again_where_the_task_is_noisy():
    made = run(Shifting())
    made.until(6)
    assert made.evaluations == 1 + 7 + 5 * 8  # at first, both that are kept are the birth
    again = [made.score(lineage).base for lineage in lineages(made.population)]
    assert again == bases(made.population)
    assert again != [made.score(text, generation=5).base for text in lineages(made.population)]


def test_a_run_stops_at_a_perfect_score_or_at_a_given_one():
    done = []
    best = run(Reachable()).until(100, report=done.append)
    assert best.generation == done[-1].number < 100
    assert [each.best >= -25 for each in done] == [False] * (len(done) - 1) + [True]
    assert done[-1].best == best.score
    early = run().until(100, score=-26.5)
    assert early.generation < best.generation
    assert early.score >= -26.5


def test_dead_members_are_counted_named_once_and_leave_no_children(caplog):
    made, done = run(Deadly()), []
    with caplog.at_level(logging.WARNING):
        made.until(8, report=done.append)
    dead = sum(each.dead for each in done)
    assert dead > 5
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == len({*told}) == dead
    assert all("a member is dead: its score is nan; " in text for text in told)
    killed = [text.rpartition(" ")[2] for text in told]
    assert not [text for text in lineages(made.population) if text[:-16] in killed]
    for member in made.population:
        assert (Record.of(member).base is None) == (member.fitness == math.inf)


def test_members_that_are_born_dead_are_not_evaluated_and_take_no_other_member_with_them():
    limited = [
        KeepBest(TopN(2, Tournament(1, 1)), 2),
        Dominant(),
        WhenReplaced(Perturb((0.5, 1.0, 2.0))),
        WhenReplaced(LethalRate(limit=0.02, learned=False)),  # children with the genes of a parent
    ]
    made, dead = run(strategies=limited, strength=0.02, population=16), 0
    for _ in range(6):
        made.step()
        for member in made.population:
            assert (Record.of(member).base is None) == is_born_dead(member)
            dead += is_born_dead(member)
    assert dead > 5
    assert made.evaluations == 1


def test_a_minibatch_without_a_mistake_is_no_reason_to_stop():
    class Easy(Shifting):
        perfect = -math.inf

    assert run(Easy()).until(3).generation == 3


def test_a_run_whose_members_are_all_dead_has_a_best_member_without_a_score():
    class Lethal(Near):
        def score(self, network, context):
            return super().score(lambda x: network(x) * math.nan, context)

    made = run(Lethal())
    assert math.isnan(made.until(2).score)


def test_an_improvement_is_what_a_child_scores_above_its_parent():
    made = run(improvement=True)
    made.until(1)
    birth = made.score(lineages(made.population)[0][:16]).base
    for text, base in zip(lineages(made.population), bases(made.population), strict=True):
        assert base == made.score(text).base - birth
    # Parents count as evaluations where they are scored beside their children.
    assert made.evaluations == 1 + 7


def test_compaction_shortens_lineages_and_changes_no_weight():
    plain, short = run(), run(compact_after=3)
    best, other = plain.until(15), short.until(15)
    assert len(other.lineage) < len(best.lineage)
    assert bases(short.population) == bases(plain.population)
    for one, two in zip(plain.population, short.population, strict=True):
        ours, theirs = plain.member(one.uuid).weights(), short.member(two.uuid).weights()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_best_member_is_plain_pytorch():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    blueprint = Blueprint.of(model, buffers="keep")
    best = Evolve(model, Near(), rules(), population=8, blueprint=blueprint).until(3)
    state = best.state_dict()
    assert state.keys() == before.keys()
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    made = best.module().eval()
    with torch.no_grad():
        assert Near()(made).base == pytest.approx(best.score, rel=1e-6)
    weights = Nursery(blueprint, cap=0).weights(best.lineage)
    assert all(torch.equal(state[name], weights[name]) for name in weights)


def test_a_run_of_given_weights_begins_with_those_of_the_module():
    model = network()
    blueprint = Blueprint.of(model, birth="given")
    made = Evolve(model, Near(), rules(), population=4, blueprint=blueprint)
    weights = made.until(0).weights()
    for name, value in model.named_parameters():  # in integers of a step of 2^-24
        assert torch.allclose(weights[name], value, atol=1e-7)


def test_strategies_see_the_fraction_of_the_first_length_that_was_asked_for():
    seen = []

    class Watching(AbstractCrossbreedingStrategy):
        def select_ancestry(self, population_genomes, context):
            seen.append(context.progress)
            return Ancestry.sole(0, population_genomes)

    made = run(strategies=[Watching()], population=2)
    made.step()
    made.step()
    made.until(4)
    made.until(6)
    assert seen == [None, None, 0.5, 0.5, 0.75, 0.75, 1, 1, 1, 1, 1, 1]


def test_another_task_scores_a_lineage_too():
    made = run()
    best = made.until(2)
    assert made.score(best.lineage, task=Near(0.0)).base > best.score
    assert made.score(best.lineage).base == best.score


def test_an_error_of_a_task_names_the_lineage_and_the_call_that_repeats_it():
    made = run(Failing())
    with pytest.raises(FailedError) as caught:
        made.until(5)
    (lineage,) = caught.value.failure.lineages
    assert str(caught.value) == (
        f"Failing failed on the lineage {lineage} in generation 2: RuntimeError: no points"
    )
    call = f"run.score({lineage!r}, generation=2)"
    assert caught.value.__notes__ == [f"this call repeats it: {call}"]
    with pytest.raises(FailedError, match="RuntimeError: no points"):
        eval(call, {"run": made})
    assert made.generation == 1


@pytest.mark.parametrize("given", [{"strategies": None}, {"recipe": "duplicate"}])
def test_rules_are_a_list_or_a_recipe(given):
    with pytest.raises(NeuroError, match='pass a list of strategies or recipe="duplicate", not'):
        run(**given)


def test_an_evolution_is_taken_as_it_is():
    one, two = run(strategies=Evolution(rules())), run()
    assert lineages(one.until(3) and one.population) == lineages(two.until(3) and two.population)


def test_arguments_that_cannot_be_used_are_refused():
    with pytest.raises(NeuroError, match="form"):
        run(form="dense")
    with pytest.raises((NeuroError, StrengthError, ValueError)):
        run(strength=0)


def test_members_are_found_by_their_identity_or_its_beginning():
    made = run()
    made.until(1)
    third = made.population[2]
    assert made.member(third.uuid).genome == third
    assert made.member(str(third.uuid)[:12].upper()).genome == third
    wrong = str(third.uuid)[:-1] + ("0" if str(third.uuid)[-1] != "0" else "1")
    with pytest.raises(NeuroError) as caught:
        made.member(wrong)
    assert str(caught.value) == (
        f"no member of the last generation is called {wrong!r}; the nearest is {third.uuid}"
    )
    with pytest.raises(NeuroError) as caught:
        made.member("?")
    known = ", ".join(str(member.uuid) for member in made.population)
    assert str(caught.value) == (
        f"no member of the last generation is called '?'; they are {known}"
    )
    with pytest.raises(NeuroError, match="8 members begin with ''"):
        made.member("")
