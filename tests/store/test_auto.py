"""The loop: it runs, breeds, and goes on wherever it was ended."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from programs import without_variables, write_plain, write_program

from clantune_store import MetricError, Parameters, Store, StoreError
from clantune_store.command import main
from clantune_store.runs.campaign import read_campaign

FAST = """
import json, os, sqlite3, sys, time
open("begun", "a").write(os.environ["CLANTUNE_RUN"] + "\\n")
{more}
run = int(os.environ["CLANTUNE_RUN"])
db = sqlite3.connect(os.environ["CLANTUNE_DB"], timeout=60, isolation_level=None)
db.execute("BEGIN IMMEDIATE")
values = json.loads(db.execute(
    "SELECT parameters FROM groups WHERE number = ?", (os.environ["CLANTUNE_GROUP"],)
).fetchone()[0])
db.execute("INSERT OR IGNORE INTO metrics (algo, name) VALUES ('a', 'loss')")
metric = db.execute("SELECT number FROM metrics WHERE name = 'loss'").fetchone()[0]
loss = (values["x"] - len(sys.argv[1])) ** 2 + values["y"] ** 2
done = db.execute(
    "UPDATE runs SET state = 'ok' WHERE number = ? AND state IN ('queued', 'running')", (run,)
)
if done.rowcount:
    db.execute("INSERT INTO measurements SELECT ?, number, dataset, ?, NULL FROM runs "
               "WHERE number = ?", (metric, loss, run))
db.execute("COMMIT")
"""
"""What a report does, in a program that starts in a hundredth of a second."""


def first(tmp_path):
    """Write the first group; without limits, a child may have 1e160, whose square overflows."""
    file = tmp_path / "first.toml"
    file.write_text(
        "x = { value = 9.0, min = -1e6, max = 1e6 }\ny = { value = -9.0, min = -1e6, max = 1e6 }\n"
    )
    return file


@pytest.fixture
def store(tmp_path, monkeypatch):
    without_variables(monkeypatch)
    monkeypatch.chdir(tmp_path)
    store = Store.create(tmp_path / "testing.db")
    store.load(first(tmp_path))
    yield store
    store.close()


@pytest.fixture
def call(capsys, monkeypatch):
    monkeypatch.setenv("CLANTUNE_DB", "testing.db")

    def run(*arguments):
        status = main([*arguments], "clantune store")
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def command_of(tmp_path, more="pass"):
    return write_plain(tmp_path, FAST.replace("{more}", more))


def states(store):
    return dict(map(tuple, store.sql("SELECT state, count(*) FROM runs GROUP BY state")[1]))


def small(**more):
    return {"loop": 2, "children": 3, "lowest": True, "data": ["a", "bb"], "jobs": 2, **more}


def test_a_loop_runs_the_first_groups_and_then_the_children_of_the_best(store, tmp_path):
    done = store.auto(command_of(tmp_path), "loss", **small())
    assert (done.ok, done.failed, done.left, done.round) == (14, 0, 0, 2)
    assert [group.origin for group in store.groups()] == ["load", *["breed"] * 6]
    assert all(store.ancestors(group.number) for group in store.groups()[1:])
    losses = [
        (group.values["x"] - size) ** 2 + group.values["y"] ** 2
        for group in store.groups()
        for size in (1, 2)  # letters in the name of the data set
    ]
    assert done.best.value == min(losses)
    assert sorted((run.group, run.dataset) for run in store.runs()) == [
        (group, name) for group in range(1, 8) for name in ("a", "bb")
    ]


def test_one_process_breeds_and_another_one_works(address, tmp_path, monkeypatch):
    without_variables(monkeypatch)
    store = Store.create(address)
    store.load(set={"variable_a": 9.0})
    with ThreadPoolExecutor(1) as pool:
        logs = tmp_path / "logs"
        worked = pool.submit(Store(address).work, jobs=1, idle=600, max_runs=3, logs=logs)
        done = store.auto(
            write_program(tmp_path),
            "value",
            **small(loop=1, children=2, data=["a"], jobs=0),
            logs=logs,
        )
        assert worked.result() == {"ok": 3}
    assert (done.ok, done.failed, done.left) == (3, 0, 0)
    assert done.best.value == min(group.values["variable_a"] for group in store.groups())
    store.close()


def test_the_same_call_does_nothing_when_it_is_finished_and_more_rounds_go_on(store, tmp_path):
    command, said = command_of(tmp_path), []
    show = lambda progress: said.append(progress.said)  # noqa: E731
    store.auto(command, "loss", **small(loop=1), show=show)
    done = store.auto(command, "loss", **small(loop=1), show=show)
    assert (done.ok, done.said) == (8, "campaign 1 is finished")
    assert store.auto(command, "loss", **small(loop=2), show=show).ok == 14
    assert [text for text in said if text] == [
        "campaign 1 begins, on 2 data sets",
        "round 1 of 1",
        "campaign 1 goes on after round 1",
        "campaign 1 goes on after round 1",
        "round 2 of 2",
    ]
    again = store.auto(command, "loss", **small(loop=1), new=True, show=show)
    assert (again.campaign, again.ok) == (2, 6)  # the first group has results
    assert store.auto(command, "loss", **small(loop=1, seed=5)).campaign == 3
    assert store.auto(command, "loss", **small(loop=1), show=show).campaign == 2


def test_the_same_seed_breeds_the_same_groups_in_another_store(store, tmp_path):
    command = command_of(tmp_path)
    store.auto(command, "loss", **small(jobs=3))
    other = Store.create(tmp_path / "other.db")
    other.load(first(tmp_path))
    other.auto(command, "loss", **small(jobs=1))
    assert {each.id for each in store.groups()} == {each.id for each in other.groups()}
    other.close()


def test_runs_that_fail_do_not_end_the_loop(store, tmp_path, call):
    command = command_of(tmp_path, "if int(os.environ['CLANTUNE_RUN']) % 5 == 3: sys.exit('no')")
    status, out, err = call(
        *("auto", command, "--metricName", "loss", "--topN", "2", "--loop", "2", "--children", "3"),
        *("--highest=False", "--data", "a", "--data", "bb", "--jobs", "2"),
    )
    assert status == 1
    numbers = {state: [run.number for run in store.runs(state=state)] for state in ("ok", "failed")}
    assert {number % 5 == 3 for number in numbers["failed"]} == {True}, err
    assert {number % 5 == 3 for number in numbers["ok"]} == {False}
    ok, failed = map(len, numbers.values())
    assert ok + failed == 14
    assert out.startswith(f"campaign 1 is finished: {ok} runs ok, {failed} failed, 0 left, best ")
    assert sorted(line for line in err.splitlines() if "has failed" in line) == [
        f"run {run.number} of group {run.group} on {run.dataset!r} has failed"
        for run in sorted(store.runs(state="failed"), key=lambda run: str(run.number))
    ]
    assert {run.note["error"] for run in store.runs(state="failed")} == {
        "exit status 1 without a report: no"
    }


def test_a_loop_as_json(store, tmp_path, call):
    status, out, err = call(
        *("auto", command_of(tmp_path), "--metric", "loss", "--loop", "1", "--children", "2"),
        *("--lowest", "--data", "a", "--json"),
    )
    said = json.loads(out)
    assert status == 0
    assert err.splitlines()[0] == ("campaign 1 begins, on 1 data sets: 0 runs ok, 0 failed, 1 left")
    assert {name: said[name] for name in ("campaign", "round", "rounds", "ok", "failed")} == {
        "campaign": 1,
        "round": 1,
        "rounds": 1,
        "ok": 3,
        "failed": 0,
    }
    assert said["best"]["dataset"] == "a"


def test_data_sets_are_those_of_the_store_within_the_limits(store, tmp_path):
    for name in ("SPY-21", "SPY-22", "AMD-22", ""):
        with Parameters(store, group=1).report(dataset=name) as result:
            result["a"]["loss"] = 1.0
    limits = {"allow": ["22"], "deny": ["AMD"]}
    done = store.auto(command_of(tmp_path), "loss", loop=1, children=1, lowest=True, **limits)
    assert [run.dataset for run in store.runs()[4:]] == ["SPY-22"]
    assert done.ok == 1


def test_without_a_place_for_a_data_set_there_is_one_without_a_name(store, tmp_path):
    command = command_of(tmp_path).replace("{}", "x")
    assert store.auto(command, "loss", loop=0).ok == 1
    assert store.runs()[0].dataset == ""


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["x {}"], 2, ("the store has no data set yet, and the command has a place for one, {}: "
         "name some with --data NAME")),
        (["x 'y"], 2, "the command \"x 'y\" cannot be read: No closing quotation"),
        (["true", "--limitDatasetsAllow", "q", "--data", "a"], 2,
         "no data set is left by the limits ['q']; there are the data sets 'a'"),
        (["true", "--executor", "dusk:tcp://x"], 2, None),
        (["true", "--strategy", "Blendd"], 2, None),
        (["true"], 1, "no run has reported 'loss': there are no results yet"),
    ],
)  # fmt: skip
def test_what_a_loop_cannot_begin_with(store, call, arguments, status, message):
    got, out, err = call("auto", *arguments, "--metric", "loss", "--loop", "1", "--children", "2")
    assert (got, out) == (status, "")
    last = err.splitlines()[-1]
    if message:
        assert last == f"clantune store auto: {message}"
    assert last.startswith("clantune store auto: ")


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"top": 0}, StoreError, "top is 0; give 1 or more"),
        ({"seed": -1}, StoreError, "the seed is -1; give a whole number from 0 to 2147483647"),
        ({"retries": -1}, StoreError, "retries is -1; give 0 or more"),
        ({"jobs": -1}, StoreError, "jobs is -1; give 0 or more"),
        ({"timeout": 0}, StoreError, "the timeout is 0; give a number of seconds above 0, or none"),
        (
            {"timeout": float("nan")},
            StoreError,
            "the timeout is nan; give a number of seconds above 0, or none",
        ),
        (
            {"timeout": float("inf")},
            StoreError,
            "the timeout is inf; give a number of seconds above 0, or none",
        ),
        ({"metric": "loss +"}, MetricError, None),
    ],
)
def test_options_that_are_refused_before_anything_runs(store, options, kind, message):
    given = {"metric": "loss", **options}
    with pytest.raises(kind) as info:
        store.auto("true", given.pop("metric"), **given)
    assert message is None or str(info.value) == message
    assert store.runs() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jobs": 0}, "jobs is 0; give 1 or more"),
        ({"idle": float("nan")}, "idle is nan; give 0 or more"),
        ({"max_runs": 0}, "max_runs is 0; give 1 or more"),
    ],
)
def test_numbers_that_a_worker_refuses(store, options, message):
    with pytest.raises(StoreError) as info:
        store.work(**options)
    assert str(info.value) == message


def begin(command, *more):
    clantune = (
        "import sys; from clantune_store.command import main; sys.exit(main(sys.argv[1:], ''))"
    )
    options = ["--metric", "loss", "--loop", "2", "--children", "4", "--lowest", "--jobs", "2"]
    return subprocess.Popen(
        [sys.executable, "-c", clantune, "auto", command, *options, "--data", "a", "--data", "bb",
         "--db", "testing.db", *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_loop_that_is_killed_goes_on_and_completes_no_run_twice(store, tmp_path):
    more = "time.sleep(0.05)\nif int(os.environ['CLANTUNE_RUN']) % 5 == 3: sys.exit('no')"
    command, drawn = command_of(tmp_path, more), random.Random(3)
    for _ in range(3):
        loop = begin(command)
        try:
            loop.communicate(timeout=drawn.uniform(0.7, 1.2))
        except subprocess.TimeoutExpired:
            loop.kill()
            loop.communicate()
    loop = begin(command)
    loop.communicate()
    assert loop.returncode == 1
    assert states(store) == {"ok": 14, "failed": 4}
    assert len(store.groups()) == 9
    assert read_campaign(store.database, 1).round == 2
    begun = [int(line) for line in (tmp_path / "begun").read_text().split()]
    assert {each for each in begun if begun.count(each) > 1} <= {
        run.number for run in store.runs(state="failed")
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_loop_that_is_interrupted_ends_its_programs_and_leaves_their_runs(
    store, tmp_path, number
):
    loop = begin(command_of(tmp_path, "open(f'pid-{os.getpid()}', 'w'); time.sleep(600)"))
    while not (pids := [path.name.removeprefix("pid-") for path in tmp_path.glob("pid-*")]):
        time.sleep(0.01)
    loop.send_signal(number)
    _, err = loop.communicate()
    assert loop.returncode == 130
    assert err.splitlines()[-1].endswith("interrupted")
    assert states(store) == {"queued": 2}
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert [tuple(row) for row in store.sql("SELECT attempt, process, note FROM runs")[1]] == [
        (1, None, None)
    ] * 2


SLOW_TO_END = """
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: open(f"asked-{os.getpid()}", "w"))
open(f"pid-{os.getpid()}", "w")
while True:
    time.sleep(600)
"""


def test_a_second_interrupt_ends_programs_that_take_their_time(store, tmp_path):
    loop = begin(write_plain(tmp_path, SLOW_TO_END))
    wait_for(tmp_path, "pid-*")
    loop.send_signal(signal.SIGINT)
    wait_for(tmp_path, "asked-*")
    loop.send_signal(signal.SIGINT)
    _, err = loop.communicate()
    assert loop.returncode == 130
    assert err.splitlines()[-1].endswith("interrupted")
    assert states(store) == {"queued": 2}
    pids = [path.name.removeprefix("pid-") for path in tmp_path.glob("pid-*")]
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def wait_for(folder, pattern):
    """Wait until two files have such names."""
    while len([*folder.glob(pattern)]) < 2:
        time.sleep(0.01)


def test_two_loops_at_once_breed_each_round_once(store, tmp_path):
    command = command_of(tmp_path)
    loops = [begin(command), begin(command)]
    assert [loop.communicate()[1] and loop.returncode for loop in loops] == [0, 0]
    assert states(store) == {"ok": 18}
    begun = (tmp_path / "begun").read_text().split()
    assert len(begun) == len({*begun}) == 18
