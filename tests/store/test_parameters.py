"""Values are read by dot, at any depth, and never changed."""

import copy
import dataclasses
import pickle

import pytest

from clantune_store import ParameterError, Parameters, Store, StoreError, values
from clantune_store.groups.parameters import View

LOADME = """\
seconds_15__stop_threshold__fast = 12.3
seconds_15__stop_threshold__slow = 7.2
seconds_30__stop_threshold__fast = 22.2
seconds_30__stop_threshold__slow = 17.9

# more things...
overall__decay_rate_int  = 5
runtime__single_trigger_bool = 1
runtime__exit_check_choice = ["custom", "defined", "30 seconds", "on-demand"]
variable_a = 3
Great__Value = 1
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    for name in ("CLANTUNE_DB", "GF_DB", "CLANTUNE_GROUP", "GF_PARAM_GROUP", "CLANTUNE_DATA"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "loadme.js"
    file.write_text(LOADME)
    path = str(tmp_path / "testing.db")
    Store.create(path).load(file)
    return path


@pytest.fixture
def g(path):
    return Parameters(path, group=1)


def test_the_examples_of_the_specification(g):
    assert g.seconds_15.stop_threshold.fast == 12.3
    assert g.seconds_15.stop_threshold.slow == 7.2
    assert g.seconds_30.stop_threshold.fast == 22.2
    assert g.seconds_30.stop_threshold.slow == 17.9
    assert (type(g.overall.decay_rate_int), g.overall.decay_rate_int) == (int, 5)
    assert g.runtime.single_trigger_bool is True
    assert g.runtime.exit_check_choice == "custom"
    assert g.variable_a == 3.0


def test_a_name_that_is_computed_and_a_view_that_is_handed_out(g):
    half = getattr(g, f"seconds_{15}")
    assert half.stop_threshold.fast == 12.3
    with pytest.raises(ParameterError) as info:
        half.overall  # noqa: B018
    assert str(info.value) == ("there is no parameter seconds_15.overall; there are stop_threshold")


def test_items_and_all_values(g):
    assert g["seconds_15__stop_threshold__fast"] == g["seconds_15.stop_threshold.fast"] == 12.3
    assert g["seconds_15"].stop_threshold.slow == 7.2
    assert len(values(g)) == 9
    assert values(g.seconds_15) == {"stop_threshold__fast": 12.3, "stop_threshold__slow": 7.2}


def test_the_case_of_a_name_is_kept_and_found_without_it(g):
    assert g.Great.Value == g.great.value == 1.0
    assert "Great__Value" in values(g)
    view = View({"a": 1, "A": 2})
    assert (view.a, view.A) == (1, 2)
    with pytest.raises(ParameterError) as info:
        View({"ab": 1, "AB": 2}).Ab  # noqa: B018
    assert str(info.value) == "Ab may be ab or AB"


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (
            lambda g: g.seconds_15.stop_treshold,
            (
                "there is no parameter seconds_15.stop_treshold; the nearest are "
                "seconds_15.stop_threshold"
            ),
        ),
        (
            lambda g: g.overall.rate,
            "there is no parameter overall.rate; there are decay_rate_int",
        ),
        (
            lambda g: g["variable_a__b"],
            "there is no parameter variable_a.b; the nearest are variable_a",
        ),
        (
            lambda g: setattr(g.overall, "decay_rate_int", 7),
            (
                "overall.decay_rate_int is read-only, as all values of a group: load a group with "
                "another value"
            ),
        ),
        (
            lambda g: delattr(g, "variable_a"),
            "variable_a is read-only, as all values of a group: load a group with another value",
        ),
    ],
)
def test_what_is_unknown_or_changed_is_an_attribute_error(g, read, message):
    with pytest.raises(AttributeError) as info:
        read(g)
    assert str(info.value) == message


def test_a_default_of_a_dataclass_reads_the_environment(path, monkeypatch):
    @dataclasses.dataclass
    class Thing:
        g: Parameters = dataclasses.field(default_factory=Parameters)

    monkeypatch.setenv("CLANTUNE_DB", path)
    monkeypatch.setenv("GF_PARAM_GROUP", "1")
    assert Thing().g.variable_a == 3.0


def test_parameters_survive_copies_and_pickles(g):
    for made in (copy.copy(g), copy.deepcopy(g), pickle.loads(pickle.dumps(g))):
        assert values(made) == values(g)
        with made.report() as result:
            result["a"]["b"] = 1


def test_no_database_and_two_that_differ(path, monkeypatch):
    with pytest.raises(StoreError) as info:
        Parameters()
    assert str(info.value) == (
        "no database is named: give Parameters(PATH), or set the variable CLANTUNE_DB"
    )
    monkeypatch.setenv("CLANTUNE_DB", path)
    monkeypatch.setenv("GF_DB", "other.db")
    with pytest.raises(StoreError) as info:
        Parameters()
    assert str(info.value) == (
        f"CLANTUNE_DB={path!r} and GF_DB='other.db' mean the same and differ: unset one of them"
    )


def test_a_group_by_label_and_id_and_the_errors(path):
    store = Store(path)
    best = store.load(set={"x": 1}, label="best")
    assert Parameters(path, group="best").x == 1.0
    assert Parameters(store, group=str(best.id)[:8]).x == 1.0
    assert Parameters(store, group=best.id.hex[:12]).x == 1.0
    for key, message in (
        (
            None,
            (
                "no group is named, and there are 2: give group=..., or set the variable "
                "CLANTUNE_GROUP"
            ),
        ),
        ("bets", "there is no group 'bets'; the nearest label is 'best'"),
        (7, "there is no group '7'; there are 2, with numbers from 1 to 2"),
    ):
        with pytest.raises(StoreError) as info:
            Parameters(store, group=key)
        assert str(info.value) == message


def test_a_store_without_a_group(tmp_path):
    with pytest.raises(StoreError) as info:
        Parameters(Store.create(tmp_path / "empty.db"))
    assert str(info.value) == (
        "the store has no group: load one, as `clantune store load FILE` does"
    )
