"""The verbs `auto` and `work`: run a command, breed, and carry out what waits."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import click

from clantune_store.command.breeding import breeding_options, count_of
from clantune_store.command.options import NOT_ALL, Verb, common, opened, unanswered
from clantune_store.command.printing import number, say, say_json
from clantune_store.command.progress import Display, summary
from clantune_store.errors import MetricError

COUNT = click.IntRange(min=1)


def jobs_and_logs(least: int) -> Callable[[Any], Any]:
    """Return the options that say how runs are carried out."""

    def add(function: Any) -> Any:
        jobs = click.option(
            "--jobs",
            type=click.IntRange(min=least),
            help="Runs at the same time. [default: one for each processor]",
        )
        logs = click.option(
            "--logs",
            type=click.Path(file_okay=False),
            metavar="DIR",
            help="Folder for what the commands print, a file for each run. [default: NAME-logs "
            "beside the file NAME of the database, or in this folder for a server]",
        )
        return jobs(logs(function))

    return add


@click.command(cls=Verb)
@click.argument("command")
@click.option("--metric", "--metricName", "metric", required=True, help="As for `top`.")
@click.option("--loop", type=click.IntRange(min=0), default=12, show_default=True, help="Rounds.")
@breeding_options
@click.option("--highest", type=bool, default=True, metavar="BOOL", help="False: as --lowest.")
@click.option(
    "--data",
    multiple=True,
    metavar="DATA",
    help="A data set to run on. [default: those that the store has]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Time for a run; after it, its processes are ended.",
)
@click.option(
    "--retries",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="Times that a run whose process was lost is begun again. One that has ended "
    "by itself, with or without a fault, is not.",
)
@click.option(
    "--executor",
    metavar="NAME:ADDRESS",
    help="Carry runs out elsewhere, without this database: dask:tcp://HOST:8786.",
)
@click.option("--new", is_flag=True, help="Begin another campaign of the same arguments.")
@jobs_and_logs(0)
@common
def auto(
    command: str,
    metric: str,
    children: int | None,
    compared: int | None,
    seed: int | None,
    highest: bool,
    lowest: bool,
    db: str | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Run COMMAND on every group and data set, breed from the best, and so on.

    `{}` in COMMAND stands for the data set. COMMAND is split as a shell does it, and no shell runs
    it; it has the variables CLANTUNE_DB, CLANTUNE_GROUP, CLANTUNE_DATA, CLANTUNE_FAMILY and
    CLANTUNE_RUN, and reports by `Parameters().report()`. Groups without results are run first.

    The same command, options and seed again go on where they have ended, also after a power cut.
    Runs that failed do not stop the loop: exit status 1 at its end.
    """
    store = opened(db)
    given |= {"children": count_of(children, compared), "lowest": lowest or not highest}
    try:
        with ended_by_signals(), Display() as display:
            done = store.auto(command, metric, seed=seed or 0, show=display.show, **given)
    except MetricError as error:
        return unanswered(store, error, metric, given["where"])
    if as_json:
        said = attrs.asdict(done, filter=lambda field, _: field.name not in ("ended", "said"))
        say_json(said)
    else:
        say(f"{done.said}: {summary(done)}")
    return NOT_ALL if done.failed else 0


@click.command(cls=Verb)
@click.option(
    "--idle",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Time to wait for runs before this ends.",
)
@click.option("--max-runs", type=COUNT, help="Runs to carry out at most.")
@jobs_and_logs(1)
@common
def work(
    idle: float,
    max_runs: int | None,
    jobs: int | None,
    logs: str | None,
    db: str | None,
    as_json: bool,
) -> int:
    """Carry out runs that wait, of any `auto` on this database.

    Any number of these can work on a database, on any hosts that reach it. It ends when nothing
    has been left for a while. On Slurm: sbatch --array=1-50 --wrap "clantune store work".
    """
    store = opened(db)
    with ended_by_signals(), Display() as display:
        counts = store.work(
            jobs=jobs, idle=idle, max_runs=max_runs, logs=logs, on_end=display.ended
        )
    if as_json:
        say_json(counts)
    else:
        told = [f"{name} {count}" for name, count in sorted(counts.items())]
        say(f"runs carried out: {', '.join(told) or number(0)}")
    return NOT_ALL if counts.keys() - {"ok"} else 0


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM, which batch systems send, do what Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what a signal does
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
