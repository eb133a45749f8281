"""The verbs `breed` and `rules`."""

import json

import pytest

from clantune_store import Parameters, Store
from clantune_store.command import main

VARIABLES = ("CLANTUNE_DB", "GF_DB", "CLANTUNE_GROUP", "GF_PARAM_GROUP", "CLANTUNE_DATA", "GF_DATA")


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Store with a group that has a result; `CLANTUNE_DB` names it."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with Store.create(tmp_path / "store.db") as made:
        group = made.load(set={"a": 3.0, "n_int": 4}, rules=["a < 100"])
        with Parameters(tmp_path / "store.db", group=group.number).report(dataset="D") as result:
            result["o"]["loss"] = 1.5
        monkeypatch.setenv("CLANTUNE_DB", str(tmp_path / "store.db"))
        yield made


@pytest.fixture
def call(capsys):
    """Run the command; return exit status, standard output and errors."""

    def run(*arguments):
        status = main([str(each) for each in arguments], "clantune store")
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_breed_makes_groups_and_says_how_many_are_new(store, call):
    status, out, err = call("breed", "loss", "--lowest", "--children", 3, "--seed", 7)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["group", "id", "parents"]
    assert [line.split()[0] for line in lines[1:4]] == ["2", "3", "4"]
    assert all(line.split()[2:] == ["1", "1"] for line in lines[1:4])
    assert lines[4] == "3 asked, 3 new; seed 7"
    assert len(store.groups()) == 4


@pytest.mark.parametrize(
    ("arguments", "count"), [([], 15), (["--maxCompare", "4"], 6), (["--children", "2"], 2)]
)
def test_the_number_of_children_may_be_given_as_pairs(store, call, arguments, count):
    status, out, _ = call("breed", "loss", "--dry-run", "--seed", 1, "--json", *arguments)
    said = json.loads(out)
    assert (status, said["asked"], said["new"], said["written"]) == (0, count, count, False)
    assert len(store.groups()) == 1


def test_json_has_values_and_parents(store, call):
    _, out, _ = call("breed", "loss", "--seed", 2, "--children", 1, "--topN", 3, "--json")
    (group,) = json.loads(out)["groups"]
    assert group["values"] == store.group(2).values
    assert [each["parent"] for each in group["parents"]] == [str(store.group(1).id)]


def test_fewer_new_groups_are_status_1(store, call):
    group = store.load(set={"a_bool": True})
    with Parameters(store.database.address.path, group=group.number).report(dataset="D") as result:
        result["o"]["gain"] = 1.5
    status, out, err = call("breed", "gain", "--seed", 2)
    assert (status, err) == (1, "")
    assert out.splitlines()[-1] == "15 asked, 1 new; seed 2"


def test_values_that_do_not_fit_the_last_load_are_said(store, call, tmp_path):
    (tmp_path / "new.json").write_text('{"a": {"value": 1, "max": 2}, "b": 1.0}')
    store.load(tmp_path / "new.json")
    status, _, err = call("breed", "loss", "--seed", 2)
    assert status == 0
    assert err.splitlines() == [
        "parameters that are new and have the value of the last load: b",
        "parameters that are in the last load no more: n_int",
        "parameters that were outside their domain and are clipped: a",
    ]


def test_a_question_without_an_answer_is_status_1(store, call):
    assert call("breed", "los") == (
        1,
        "",
        "clantune store breed: no run has reported 'los'; the nearest are 'loss', 'o.loss'\n",
    )
    assert call("breed", "loss", "--limitDatasetsDeny", "D") == (
        1,
        "",
        "clantune store breed: the limits leave none of 1 data set; there are the data sets 'D'\n",
    )


def test_misuse_is_status_2(store, call, tmp_path):
    status, _, err = call("breed", "loss", "--strategy", "gausian")
    assert status == 2
    assert "gausian" in err
    assert call("breed", "loss", "--strategy", "blend", "--recipe", "pbt") == (
        2,
        "",
        "clantune store breed: a strategy and a recipe are given: choose one of them\n",
    )
    assert call("breed", "loss", "--children", "0")[0] == 2
    assert call("breed", "")[0] == 2
    assert call("breed", "loss", "--children", "3", "--maxCompare", "3") == (
        2,
        "",
        (
            "clantune store breed: --children and --maxCompare are given: choose one of them "
            "(`clantune store breed --help` says more)\n"
        ),
    )
    assert call("rules") == (
        2,
        "",
        "clantune store rules: Missing command. (`clantune store rules --help` says more)\n",
    )
    assert len(store.groups()) == 1


def test_strategies_recipes_and_files_are_taken(store, call):
    for arguments, new in (
        (["--strategy", "tournament:size=2", "--strategy", "gaussian:std=0.2"], 2),
        (["--strategy", "seed"], 2),
        (["--recipe", "esgd"], 0),  # it keeps a single group as it is
    ):
        status, out, err = call("breed", "loss", "--children", 2, "--seed", 3, *arguments)
        assert (err, out.splitlines()[-1]) == ("", f"2 asked, {new} new; seed 3")
        assert status == (0 if new else 1)


def test_rules_are_listed_and_checked(store, call):
    assert call("rules", "list") == (0, "require  when\na < 100\n", "")
    assert call("rules", "check") == (0, "groups that keep all rules: 1\n", "")
    store.load(set={"a": 1.0, "n_int": 4}, rules=["a < 2"])
    status, out, _ = call("rules", "check")
    assert status == 1
    assert out.splitlines()[1:] == ["1      a < 2  a = 3.0"]
    assert call("rules", "check", "2")[0] == 0
    broken = {"group": 1, "rule": "a < 2", "values": {"a": 3.0}}
    assert json.loads(call("rules", "check", "--json")[1]) == [broken]
