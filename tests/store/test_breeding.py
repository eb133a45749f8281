"""Breeding from the best groups: who they are, what their children may be, and what is written."""

import subprocess
import sys

import pytest

from clantune_core import Evolution, PluginError, StrategyError, to_json
from clantune_store import MetricError, Parameters, Store, StoreError
from clantune_store.breeding.asked import Asked
from clantune_store.breeding.population import graded
from clantune_strategies import Gaussian, PerGene, Tournament

VALUES = {
    "far": 12.3,
    "below": -10.0,
    "nothing": 0.0,
    "zero_int": 0,
    "one_int": 1,
    "on_bool": True,
    "a_choice": ["custom", [1, 2], 3, None],
    "p_real_0": 0.5,
    "p_real_1": 1.5,
    "rate_log": 1e-3,
    "share_prob": 0.2,
    "name_str": "text",
    "data_json": {"a": [1]},
}


@pytest.fixture
def store(address):
    made = Store.create(address)
    made.address_of_test = address
    yield made
    made.close()


@pytest.fixture
def local(tmp_path):
    """Store in a file."""
    with Store.create(tmp_path / "own.db") as made:
        made.address_of_test = str(tmp_path / "own.db")
        yield made


def filled(store, losses, dataset="D", load=None):
    """Load groups that differ in `far`, with a loss each; return their numbers."""
    numbers = []
    for place, loss in enumerate(losses):
        group = store.load(set={**VALUES, "far": 12.3 + place, **(load or {})})
        add_loss(store, group.number, dataset, loss)
        numbers.append(group.number)
    return numbers


def add_loss(store, group, dataset, loss, algo="o"):
    with Parameters(store.address_of_test, group=group).report(dataset=dataset) as result:
        result[algo]["loss"] = loss


def order(store, metric="loss", top=None, **options):
    with store.database.read() as connection:
        return [
            (e.group.number, e.fitness) for e in graded(connection, Asked(metric, **options), top)
        ]


def test_with_one_data_set_the_fitness_is_the_value(store):
    one, two, three = filled(store, [3.0, 1.0, 2.0])
    assert order(store) == [(one, 3.0), (three, 2.0), (two, 1.0)]
    assert order(store, lowest=True, top=2) == [(two, -1.0), (three, -2.0)]


def test_with_several_data_sets_the_fitness_is_the_mean_rank(store):
    one, two, three = filled(store, [1.0, 2.0, 3.0], "A")
    for group, loss in ((one, 500.0), (two, 100.0)):
        add_loss(store, group, "B", loss)
    # `three` has no value in B, so it counts as the last of three there.
    assert order(store, lowest=True) == sorted(
        [(one, -1.5), (two, -1.5), (three, -3.0)],
        key=lambda pair: (-pair[1], store.group(pair[0]).id.hex),
    )


def test_several_runs_of_a_group_count_as_its_best_one(store):
    one, two, three = filled(store, [1.0, 2.0, 3.0])
    for loss in (0.5, 0.6, 0.7):
        add_loss(store, one, "D", loss)
    assert order(store, lowest=True, top=2) == [(one, -0.5), (two, -2.0)]
    assert [number for number, _ in order(store, top=3)] == [three, two, one]


def test_limits_leave_data_sets_and_families_out(store):
    one, two = filled(store, [1.0, 2.0], "AMD-2022")
    add_loss(store, one, "TSLA-2022", 7.0)
    assert order(store, allow=("TSLA", "SPY")) == [(one, 7.0)]
    assert order(store, deny=("TSLA",)) == [(two, 2.0), (one, 1.0)]
    assert order(store, families=("TSLA-2022",)) == [(one, 7.0)]


def test_a_question_without_an_answer_says_what_there_is(store):
    with pytest.raises(MetricError, match="no run has reported 'loss': there are no results yet"):
        store.breed("loss")
    filled(store, [float("nan")])
    for options, message in (
        ({"metric": "los"}, "no run has reported 'los'; the nearest are 'loss', 'o.loss'"),
        ({"metric": "loss"}, "the only value of 'loss' is not a finite number"),
        (
            {"metric": "loss", "families": ["E"]},
            "no run has the family 'E'; there are the families 'D'",
        ),
        (
            {"metric": "loss", "allow": ["E"]},
            "the limits leave none of 1 data set; there are the data sets 'D'",
        ),
        (
            {"metric": "loss", "deny": ["D"]},
            "the limits leave none of 1 data set; there are the data sets 'D'",
        ),
    ):
        with pytest.raises(MetricError) as caught:
            store.breed(**options)
        assert str(caught.value) == message
    add_loss(store, 1, "D", 2.0)
    with pytest.raises(MetricError) as caught:
        store.breed("loss", where="other > 3 or loss > 3")
    assert (
        str(caught.value) == "no run has reported 'other'; there are the results 'loss', 'o.loss'"
    )
    assert len(store.groups()) == 1


def test_a_condition_that_no_run_meets_is_said(store):
    filled(store, [1.0])
    with pytest.raises(MetricError) as caught:
        store.breed("loss", where="loss > 3")
    assert str(caught.value) == "no run meets the condition 'loss > 3'"


def test_children_are_new_groups_with_parents_and_runs(store):
    numbers = filled(store, [3.0, 2.0, 1.0])
    bred = store.breed("loss", top=2, children=5, seed=7, lowest=True)
    assert (bred.asked, len(bred), bred.seed) == (5, 5, 7)
    assert len({group.id for group in bred}) == 5
    runs = {run.id: run for run in store.runs()}
    for group, parents in zip(bred, bred.parents, strict=True):
        assert store.group(group.number).values == group.values
        assert store.group(group.number).origin == "breed"
        found = store.ancestors(group.number)
        assert {each.parent for each in found} <= {*numbers[1:]}
        assert {each.run for each in found} <= {*runs}
        assert sum(each.weight for each in found) == pytest.approx(1.0)
        assert len(found) == len(parents)


def test_a_dry_run_writes_nothing(store):
    filled(store, [1.0])
    before = store.content()
    bred = store.breed("loss", seed=1, children=3, dry_run=True)
    assert [group.number for group in bred] == [0, 0, 0]
    assert store.content() == before
    assert [group.id for group in store.breed("loss", seed=1, children=3)] == [g.id for g in bred]


def test_a_seed_that_is_not_given_is_drawn_and_said(store):
    filled(store, [1.0])
    bred = store.breed("loss", children=3)
    again = store.breed("loss", children=3, seed=bred.seed)
    assert {group.id for group in bred}.isdisjoint({group.id for group in again})


PRINTS_CHILDREN = """
import sys
from clantune_store import Store
bred = Store(sys.argv[1]).breed("loss", top=3, children=20, seed=5, dry_run=True)
print([str(group.id) for group in bred])
"""


def test_one_seed_gives_the_same_children_in_two_processes_and_databases(store, tmp_path):
    filled(store, [1.0, 2.0, 3.0])
    other = Store.create(tmp_path / "third.db")
    other.load(set={**VALUES, "far": 14.3})  # so that the numbers of the groups differ
    other.merge(store)
    command = [sys.executable, "-c", PRINTS_CHILDREN]
    said = [
        subprocess.run([*command, where], capture_output=True, text=True, check=True).stdout
        for where in (store.address_of_test, store.address_of_test, str(tmp_path / "third.db"))
    ]
    assert said[0] == said[1] == said[2]
    assert len(said[0]) > 700


def test_every_type_moves_and_stays_in_its_domain(local):
    filled(local, [1.0])
    bred = local.breed("loss", children=600, seed=3)
    columns = {name: [group.values[name] for group in bred] for name in VALUES}
    assert len(bred) == 600
    for name in ("far", "below", "nothing", "zero_int", "one_int"):
        first = local.group(1).values[name]
        assert min(columns[name]) < first < max(columns[name])
    assert all(type(each) is int for each in (*columns["zero_int"], *columns["one_int"]))
    assert {-1, 1} < {*columns["zero_int"]}
    assert {0, 2} < {*columns["one_int"]}
    assert {*columns["on_bool"]} == {True, False}
    assert {str(each) for each in columns["a_choice"]} == {"custom", "[1, 2]", "3", "None"}
    assert all(0 <= each < 1 for each in columns["p_real_0"])
    assert all(1 <= each < 2 for each in columns["p_real_1"])
    assert all(each > 0 for each in columns["rate_log"])
    assert all(0 < each < 1 for each in columns["share_prob"])
    assert {*columns["name_str"]} == {"text"}
    assert all(each == {"a": [1]} for each in columns["data_json"])


@pytest.mark.parametrize("strategies", [["seed"], ["tournament:size=2", "sbx", "gaussian:std=0.3"]])
@pytest.mark.parametrize("count", [1, 2, 20])
def test_other_strategies_breed_too(local, strategies, count):
    filled(local, range(count))
    bred = local.breed("loss", top=20, children=40, seed=3, strategies=strategies)
    assert len(bred) == 40
    assert all(0 <= group.values["p_real_0"] < 1 for group in bred)


@pytest.mark.parametrize("recipe", ["pbt", "factorial", "fire_pbt", "gpbt", "esgd", "hdet"])
def test_recipes_breed_and_say_how_many_are_new(local, recipe):
    filled(local, range(5))
    bred = local.breed("loss", top=5, children=10, seed=3, recipe=recipe)
    assert bred.asked == 10
    known = {group.id for group in local.groups()}
    assert len({group.id for group in bred} & known) == len(bred)


def test_children_that_are_known_already_are_not_new(store):
    group = store.load(set={"a_bool": True, "b_choice": ["x", "y", "z"]})
    add_loss(store, group.number, "D", 1.0)
    bred = store.breed("loss", children=25, seed=1, strategies=["tournament", "choose:chance=0.5"])
    assert (bred.asked, len(bred)) == (25, 5)
    assert len(store.groups()) == 6
    assert len(store.breed("loss", children=25, seed=2)) == 0


def test_the_space_of_the_newest_load_counts(store, tmp_path):
    old = store.load(set={"a": 900.0, "gone": 1.0})
    add_loss(store, old.number, "D", 1.0)
    text = '{"a": {"value": 5.0, "min": 0, "max": 10}, "new_int": 3}'
    (tmp_path / "newest.json").write_text(text)
    store.load(tmp_path / "newest.json")
    bred = store.breed("loss", children=4, seed=1)
    assert bred.clipped == {"a": 1}
    assert (bred.plan.added, bred.plan.removed) == (("new_int",), ("gone",))
    assert all([*group.values] == ["a", "new_int"] for group in bred)
    assert all(0 <= group.values["a"] <= 10 for group in bred)
    before = store.content()
    store.load(tmp_path / "newest.json")  # it is the newest already
    assert store.content() == before
    store.load(set={"a": 900.0, "gone": 1.0})
    bred = store.breed("loss", children=4, seed=1)
    assert all([*group.values] == ["a", "gone"] for group in bred)


def test_what_a_strategy_learned_comes_back(store):
    first = store.load(set={"a": 1.0, "b_int": 5})
    add_loss(store, first.number, "D", 1.0)
    learning = Evolution([Tournament(size=1), PerGene(), Gaussian(0.2, learns=("size",))])
    (child,) = store.breed("loss", children=1, seed=1, evolution=learning)
    learned = store.sql(f"SELECT learned FROM groups WHERE number = {child.number}")[1][0][0]
    assert '"gaussian/size"' in learned
    add_loss(store, child.number, "D", 9.0)
    setting = store.breed("loss", top=1, children=1, seed=2, evolution=learning)
    other = store.breed("loss", top=1, children=1, seed=2, strategies=["tournament", "cauchy"])
    assert (len(setting), len(other)) == (1, 1)
    grown = store.sql(f"SELECT learned FROM groups WHERE number = {setting[0].number}")[1][0][0]
    assert grown != learned


def test_an_evolution_comes_from_a_file(local, tmp_path):
    filled(local, [1.0, 2.0])
    made = Evolution([Tournament(), PerGene(), Gaussian(0.2)])
    (tmp_path / "own.json").write_text(to_json(made))
    ids = [
        [group.id for group in local.breed("loss", seed=4, evolution=given, dry_run=True)]
        for given in (made, tmp_path / "own.json")
    ]
    assert ids[0] == ids[1]
    (tmp_path / "own.json").write_text("{")
    with pytest.raises(StoreError) as caught:
        local.breed("loss", evolution=tmp_path / "own.json")
    assert str(caught.value).startswith(f"the evolution {tmp_path / 'own.json'} is damaged: $: ")
    with pytest.raises(StoreError, match="cannot be read: No such file or directory"):
        local.breed("loss", evolution=tmp_path / "none.json")


def test_an_unknown_strategy_or_parameter_is_the_error_of_the_core(local):
    filled(local, [1.0])
    with pytest.raises(PluginError, match="gausian"):
        local.breed("loss", strategies=["gausian"])
    with pytest.raises(StrategyError, match="sise"):
        local.breed("loss", strategies=["gaussian:sise=3"])
    with pytest.raises(PluginError, match="pbd"):
        local.breed("loss", recipe="pbd")
    for options, message in (
        (
            {"strategies": ["gaussian:3"]},
            "'3' of the strategy 'gaussian:3' is not key=value: write gaussian:key=value",
        ),
        (
            {"strategies": ["seed"], "recipe": "pbt"},
            "a strategy and a recipe are given: choose one of them",
        ),
        (
            {"strategies": ["seed", "blend"]},
            "the strategy 'seed' breeds alone: give no other strategy with it",
        ),
        ({"strategies": ["seed:a=1"]}, "the strategy 'seed' takes no parameters; got 'a=1'"),
        ({"top": 0}, "top is 0; it must be 1 or more"),
        ({"children": 0}, "children is 0; it must be 1 or more"),
        ({"seed": -1}, "the seed is -1; it must be from 0 to 2147483647"),
    ):
        with pytest.raises(StoreError) as caught:
            local.breed("loss", **options)
        assert str(caught.value) == message


TAGGED = """
{"a_one": {"value": 1.0, "tags": ["a"]}, "b_one": {"value": 2.0, "tags": ["b"]},
 "both": {"value": 3.0, "tags": ["a", "b"]}, "free": 4.0}
"""


def test_parts_have_parents_of_their_own(store, tmp_path):
    (tmp_path / "tagged.json").write_text(TAGGED)
    good_a = store.load(tmp_path / "tagged.json", set={"a_one": 10.0}).number
    good_b = store.load(tmp_path / "tagged.json", set={"b_one": 20.0}).number
    for group, a, b in ((good_a, 9.0, 1.0), (good_b, 1.0, 8.0)):
        g = Parameters(store.address_of_test, group=group)
        with g.report(dataset="D") as result:
            result["a"]["profit"], result["b"]["profit"] = a, b
    bred = store.breed("profit", top=1, children=6, seed=2, parts=True)
    assert len(bred) == 6
    for group in bred:
        found = {(each.part, each.parent) for each in store.ancestors(group.number)}
        assert found == {("a", good_a), ("b", good_b), ("", good_a)}
        assert [*group.values] == ["a_one", "b_one", "both", "free"]


def test_parts_need_tags(local):
    filled(local, [1.0])
    with pytest.raises(StoreError) as caught:
        local.breed("loss", parts=True)
    assert str(caught.value) == (
        "no parameter belongs to one algo alone, so there are no parts: give them tags, as in "
        '`low = { value = 1.0, tags = ["entry"] }`'
    )
