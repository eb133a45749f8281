"""A run is in the store from its beginning, with all that it reports, or with why it failed."""

import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from clantune_store import Parameters, ReportError, Store
from clantune_store.runs import heartbeat


@pytest.fixture
def store(tmp_path, monkeypatch):
    for name in ("CLANTUNE_DATA", "GF_DATA", "CLANTUNE_FAMILY", "CLANTUNE_RUN"):
        monkeypatch.delenv(name, raising=False)
    store = Store.create(tmp_path / "testing.db")
    store.load(set={"variable_a": 12.3, "steps_int": 5})
    return store


def test_the_five_rows_of_the_specification(store):
    with Parameters(store).report("RESULT GROUP A") as result:
        result.update(
            {
                "got": {"count": 3},
                "failed": {"widgets": 9},
                "progress": {"success": 99, "terminiated": 1},
            }
        )
        result["other"] = {"Great": 4}
    _, rows = store.sql("SELECT run, algo, name, value FROM results ORDER BY algo, name")
    assert [tuple(row) for row in rows] == [
        (1, "failed", "widgets", 9.0),
        (1, "got", "count", 3.0),
        (1, "other", "Great", 4.0),
        (1, "progress", "success", 99.0),
        (1, "progress", "terminiated", 1.0),
    ]
    (run,) = store.runs()
    assert (run.family, run.dataset, run.state) == ("RESULT GROUP A", "", "ok")


def test_the_family_is_that_of_the_data_unless_it_is_given(store, monkeypatch):
    monkeypatch.setenv("GF_DATA", "SPY-2022")
    for family in (None, "mine"):
        with Parameters(store).report(family) as result:
            result["a"]["b"] = 1
    assert [(run.dataset, run.family) for run in store.runs()] == [
        ("SPY-2022", "SPY-2022"),
        ("SPY-2022", "mine"),
    ]


def test_every_kind_of_result_is_kept(store):
    with Parameters(store).report() as result:
        result["loss"] = 0.5
        result["a"]["deep"]["er"] = 2
        result["a"]["yes"] = True
        result["a"]["text"] = "good"
        result["a"]["nan"] = math.nan
        result["a"]["inf"] = -math.inf
        result["a"]["none"] = None
        result["a"]["list"] = [1, "x", [math.nan, math.inf]]
        result["a"]["large"] = 2**60 + 1
        result["a"]["tensor"] = torch.tensor(1.5)
    (run,) = store.runs()
    assert run.results == {
        "": {"loss": 0.5},
        "a": {
            "deep.er": 2.0,
            "inf": "-inf",
            "large": 2**60 + 1,
            "list": [1, "x", ["nan", "inf"]],
            "nan": "nan",
            "none": None,
            "tensor": 1.5,
            "text": "good",
            "yes": True,
        },
    }


def test_a_run_that_fails_keeps_why_and_what_it_had(store):
    with pytest.raises(ValueError, match="no data"), Parameters(store).report() as result:  # noqa: PT012
        result["a"]["b"] = 1
        raise ValueError("no data")
    (run,) = store.runs()
    assert run.state == "failed"
    assert run.note["partial"] == {"a.b": 1.0}
    assert run.note["error"].endswith("ValueError: no data\n")
    assert run.results == {}


def test_a_run_that_fails_keeps_results_beside_one_that_is_not_plain_data(store):
    with pytest.raises(ValueError, match="no data"), Parameters(store).report() as result:  # noqa: PT012
        result["a"].update(b=1, c={1}, d={"e": "x"})
        result["loss"] = 0.5
        raise ValueError("no data")
    (run,) = store.runs()
    assert run.note["partial"] == {"a.b": 1.0, "a.d.e": '"x"', "loss": 0.5}
    (why,) = run.note["left_out"]
    assert why == (
        "result['a']['c'] is of set; a result is a number, a truth value, a text, a list of them, "
        "or a dictionary of results"
    )


def test_a_run_says_that_it_is_alive_until_its_end(store, monkeypatch):
    monkeypatch.setattr(heartbeat, "_thread", None)  # the next one has another pause
    monkeypatch.setattr(heartbeat, "BEAT", 0.01)
    with Parameters(store).report():
        wait_for_a_beat(store, 1)
    last = beat_of(store, 1)
    with Parameters(store).report():
        wait_for_a_beat(store, 2)
    assert beat_of(store, 1) == last


def beat_of(store, run):
    return store.sql(f"SELECT heartbeat FROM runs WHERE number = {run}")[1][0][0]


def wait_for_a_beat(store, run):
    first = beat_of(store, run)
    while beat_of(store, run) == first:
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (
            lambda result: result["a"].update(b=object()),
            (
                "result['a']['b'] is of object; a result is a number, a truth value, a text, a "
                "list of them, or a dictionary of results"
            ),
        ),
        (
            lambda result: result.update(loss={1, 2}),
            (
                "result['loss'] is of set; a result is a number, a truth value, a text, a list of "
                "them, or a dictionary of results"
            ),
        ),
        (
            lambda result: result["a"].update({3: 4}),
            "a name in result['a'] is 3; names are texts that are not empty",
        ),
        (
            lambda result: result.update({"a": {"b": {"c": 1}, "b.c": 2}}),
            "a has two values called 'b.c'",
        ),
    ],
)
def test_what_is_no_plain_data_fails_the_run_and_leaves_nothing_half(store, fill, message):
    with pytest.raises(ReportError) as info, Parameters(store).report() as result:  # noqa: PT012
        result["a"]["good"] = 1
        fill(result)
    assert str(info.value) == message
    (run,) = store.runs()
    assert (run.state, run.results) == ("failed", {})


def test_a_result_that_cannot_be_read_fails_the_run(store):
    loop = {}
    loop["self"] = loop
    for value, begin in (
        (10**5000, "the result is not plain data: ValueError: Exceeds the limit"),
        (loop, "the result is not plain data: RecursionError: "),
        ({"a\0b": 1}, "a name in result['a'] has characters that a database cannot hold: "),
    ):
        with pytest.raises(ReportError) as info, Parameters(store).report() as result:
            result["a"] = value
        assert str(info.value).startswith(begin)
    assert [run.state for run in store.runs()] == ["failed"] * 3


def test_any_text_is_a_value(store):
    with Parameters(store).report() as result:
        result["a"]["text"] = "\0 \udce9"
    assert store.runs()[0].results == {"a": {"text": "\0 \udce9"}}


def test_a_run_that_has_ended_meanwhile_takes_no_results(store):
    with pytest.raises(ReportError) as info, Parameters(store).report() as result:  # noqa: PT012
        result["a"]["b"] = 1
        with store.database.write() as connection:
            connection.exec_driver_sql("UPDATE runs SET state = 'failed'")
    assert str(info.value) == "run 1 is done already: report once in a run"
    assert [(run.state, run.results) for run in store.runs()] == [("failed", {})]


def test_a_run_of_a_living_process_is_not_stale_however_long_it_is_silent(store):
    with Parameters(store).report():
        with store.database.write() as connection:
            connection.exec_driver_sql("UPDATE runs SET heartbeat = 0")
        assert store.mark_stale() == 0
        with store.database.write() as connection:
            connection.exec_driver_sql("UPDATE runs SET process = 'elsewhere/1/1'")
        assert store.mark_stale() == 1


def test_a_run_is_there_while_it_runs_and_knows_its_machine(store):
    with Parameters(store).report():
        (run,) = store.runs()
        assert run.state == "running"
        assert store.mark_stale() == 0
    machine = store.runs()[0].machine
    assert {"host", "user", "os", "python", "command"} <= machine.keys()


DIES = """
import os, signal, sys
from clantune_store import Parameters
with Parameters(sys.argv[1]).report() as result:
    result["a"]["b"] = 1
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_whose_process_is_killed_is_stale(store, tmp_path):
    done = subprocess.run([sys.executable, "-c", DIES, str(tmp_path / "testing.db")], check=False)
    assert done.returncode == -signal.SIGKILL
    (run,) = store.runs(state="running")
    assert store.mark_stale() == 1
    assert [each.number for each in store.runs(state="stale")] == [run.number]


def test_a_report_to_a_run_that_is_done_is_refused(store, monkeypatch):
    monkeypatch.setenv("CLANTUNE_RUN", "1")
    with pytest.raises(ReportError) as info, Parameters(store).report():
        pass
    assert str(info.value) == "CLANTUNE_RUN='1' names no run of this database"
    monkeypatch.delenv("CLANTUNE_RUN")
    with Parameters(store).report() as result:
        result["a"]["b"] = 1
    monkeypatch.setenv("CLANTUNE_RUN", "1")
    with pytest.raises(ReportError) as info, Parameters(store).report():
        pass
    assert str(info.value) == ("run 1 is ok already: report once in a run, or unset CLANTUNE_RUN")
    assert [run.results for run in store.runs()] == [{"a": {"b": 1.0}}]


def test_the_revision_of_the_program_is_known(store, tmp_path):
    repository = tmp_path / "program"
    repository.mkdir()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], cwd=repository, check=True)
    (repository / "f").write_text("1")
    subprocess.run([*git, "add", "f"], cwd=repository, check=True)
    subprocess.run([*git, "commit", "-qm", "one"], cwd=repository, check=True)
    code = "import json; from clantune_store.runs.machine import facts; print(facts())"
    told = []
    for content in ("1", "2"):
        (repository / "f").write_text(content)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=repository, capture_output=True, check=True
        )
        told.append(json.loads(done.stdout))
    assert len(told[0]["revision"]) == 40
    assert [each["changed"] for each in told] == [False, True]
    assert os.environ.get("CLANTUNE_RUN") is None
