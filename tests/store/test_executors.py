"""Runs that go out as capsules, and come back as results that one process writes."""

import os
import signal
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from programs import without_variables, write_plain, write_program

from clantune_store import Store, StoreError
from clantune_store.runs.capsule import Capsule, run_capsule
from clantune_store.runs.executors import Dask, executor_of

WAITS = """
    if (g.variable_a, sys.argv[1]) == (0.0, "dies") and not os.path.exists("died"):
        open("died", "w").write(f"{os.getppid()} {os.getpid()}.")
        import time; time.sleep(600)
"""


@pytest.fixture
def store(tmp_path, monkeypatch):
    without_variables(monkeypatch)
    monkeypatch.chdir(tmp_path)
    store = Store.create(tmp_path / "testing.db")
    yield store
    store.close()


def test_results_come_back_and_are_written_here(store, tmp_path):
    for value in (1.0, 2.0):
        store.load(set={"variable_a": value})
    command = write_program(tmp_path, "assert os.environ['CLANTUNE_DB'] != 'testing.db'")
    with ThreadPoolExecutor(2) as executor:
        done = store.auto(command, "value", loop=0, data=["x", "y"], executor=executor)
    assert (done.ok, done.failed) == (4, 0)
    runs = store.runs()
    assert [(run.group, run.dataset, run.results) for run in runs] == [
        (group, name, {"a": {"value": float(group)}}) for group in (1, 2) for name in ("x", "y")
    ]
    assert all("python" in run.machine and run.started < run.stopped for run in runs)
    assert not (tmp_path / "testing.db-logs").exists()


def test_a_run_that_fails_elsewhere_says_why_here(store, tmp_path):
    store.load(set={"variable_a": 1})
    command = write_plain(tmp_path, "print('some'); raise SystemExit(3)")
    with ThreadPoolExecutor(1) as executor:
        done = store.auto(command, "value", loop=0, data=["x"], executor=executor)
    assert (done.ok, done.failed) == (0, 1)
    assert store.runs()[0].note == {
        "error": "exit status 3 without a report: some",
        "log": "some\n",
    }


def test_a_run_times_out_elsewhere(store, tmp_path):
    store.load(set={"variable_a": 1})
    command = write_plain(tmp_path, "import time; time.sleep(600)")
    with ThreadPoolExecutor(1) as executor:
        store.auto(command, "value", loop=0, data=["x"], executor=executor, timeout=0.2)
    assert store.runs()[0].note["error"] == "timed out after 0.2 s, and was ended"


class Loses:
    """Loses the first runs that it is given."""

    def __init__(self, count):
        self.left = count

    def submit(self, function, /, *arguments):
        future = Future()
        self.left -= 1
        if self.left >= 0:
            future.set_exception(ConnectionError("the worker has died"))
        else:
            future.set_result(function(*arguments))
        return future


def test_a_run_that_an_executor_loses_is_done_again_a_few_times(store, tmp_path):
    store.load(set={"variable_a": 1})
    command = write_program(tmp_path)
    assert store.auto(command, "value", loop=0, data=["x"], executor=Loses(2)).ok == 1
    assert store.sql("SELECT attempt, state FROM runs")[1] == [(3, "ok")]
    done = store.auto(command, "value", loop=0, data=["y"], executor=Loses(3), seed=1)
    assert (done.ok, done.failed) == (0, 1)
    assert store.runs(dataset="y")[0].note == {
        "error": "lost 3 times: ConnectionError: the worker has died"
    }


def test_an_executor_that_takes_nothing_leaves_the_runs_waiting(store):
    store.load(set={"variable_a": 1})
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(StoreError) as info:
        store.auto("true {}", "value", loop=0, data=["x"], executor=executor)
    assert str(info.value) == (
        "the executor does not take run 1: RuntimeError: cannot schedule new futures after "
        "shutdown; start it again, and call `auto` again, which goes on"
    )
    assert store.sql("SELECT state, attempt FROM runs")[1] == [("queued", 1)]


def test_a_capsule_leaves_nothing_behind(store, tmp_path, monkeypatch):
    group = store.load(set={"variable_a": 4})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    document = store.space(group.number).document
    told = run_capsule(
        Capsule(group.id, 1, group.values, document, "x", "f", write_program(tmp_path), None)
    )
    assert [(row.algo, row.name, row.value) for row in told.rows] == [("a", "value", 4.0)]
    assert [*(tmp_path / "temporary").iterdir()] == []


def test_an_executor_that_is_not_installed():
    with pytest.raises(StoreError) as info:
        executor_of("slurm:x")
    assert str(info.value).startswith("there is no executor 'slurm'; there are ")
    assert str(info.value).endswith("; write NAME:ADDRESS, such as dask:tcp://HOST:8786")


def test_an_executor_by_an_entry_point(tmp_path, monkeypatch):
    folder = tmp_path / "mine-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: mine\nVersion: 1\n")
    (folder / "entry_points.txt").write_text("[clantune.executors]\nmine = mine_module:make\n")
    (tmp_path / "mine_module.py").write_text("def make(address):\n    return ['made', address]\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert executor_of("mine:host:1") == ["made", "host:1"]


def test_a_scheduler_of_dask_that_does_not_answer(monkeypatch):
    monkeypatch.setattr("clantune_store.runs.executors.CONNECT", 0.3)
    with pytest.raises(StoreError) as info:
        Dask("tcp://127.0.0.1:9")
    assert str(info.value).startswith("no scheduler of Dask answers at 'tcp://127.0.0.1:9': ")


@pytest.mark.parametrize("address", ["", "host", "tcp://host:port"])
def test_an_address_that_is_not_one_is_refused_at_once(address, monkeypatch):
    monkeypatch.setattr("distributed.Client", None)  # no connection is tried
    with pytest.raises(StoreError) as info:
        Dask(address)
    assert str(info.value).startswith(f"no scheduler of Dask answers at {address!r}: ")
    assert str(info.value).endswith(
        "; give --executor dask:tcp://HOST:8786, as `dask scheduler` says it"
    )


def test_twelve_runs_through_dask_with_one_worker_killed(store, tmp_path):
    from distributed import LocalCluster

    for value in range(4):
        store.load(set={"variable_a": float(value)})
    command = write_program(tmp_path, WAITS.strip("\n").removeprefix("    "))
    two = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    free = {"dashboard_address": ":0"}  # another cluster may have the usual port
    with LocalCluster(host="127.0.0.1", scheduler_kwargs=free, **two) as cluster:
        executor = Dask(cluster.scheduler_address)
        watcher = ThreadPoolExecutor(1)
        killed = watcher.submit(kill_worker, tmp_path / "died")
        done = store.auto(command, "value", loop=0, data=["x", "dies", "y"], executor=executor)
        killed.result()
        executor.shutdown()
    watcher.shutdown()
    assert (done.ok, done.failed) == (12, 0)
    assert sorted((run.group, run.dataset) for run in store.runs(state="ok")) == [
        (group, name) for group in range(1, 5) for name in ("dies", "x", "y")
    ]


def kill_worker(path):
    """Kill the worker whose program waits, and the program."""
    while not (path.exists() and path.read_text().endswith(".")):
        time.sleep(0.01)
    for pid in path.read_text().rstrip(".").split():
        os.kill(int(pid), signal.SIGKILL)


def test_the_library_for_dask_is_not_imported_before_it_is_used():
    code = "import sys, clantune_store.runs.loop; sys.exit('distributed' in sys.modules)"
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", code) == 0
