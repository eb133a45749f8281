"""The demonstration: the knobs of a program are bred, and beside it drawn at random."""

from __future__ import annotations

import shlex
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from clantune_store.errors import StoreError
from clantune_store.groups.store import Store
from clantune_store.printable import counted

HERE = Path(__file__).parent
DATA = ("turtle", "_pydecimal")
"""Modules of Python whose texts are predicted."""

METRIC = "bits"
REPORT = "report.html"
ROUNDS, CHILDREN = 4, 12

WAYS: dict[str, tuple[str, ...]] = {
    "bred": (),
    "random": ("tournament:size=1", "resample:chance=1", "flip:chance=0.5"),
}
"""Name of the database, and strategies; none are those that `auto` has by default."""


@attrs.frozen
class Found:
    """What one way has found.

    Attributes:
        way: Name of the way.
        path: Database.
        first: Mean over the data sets of the values that were loaded.
        best: The same for the best group.
        groups: Groups that were tried.
        runs: Runs that ended well.
        seconds: How long it took.
    """

    way: str
    path: Path
    first: float
    best: float
    groups: int
    runs: int
    seconds: float


def search(
    folder: Path,
    *,
    rounds: int = ROUNDS,
    children: int = CHILDREN,
    seed: int = 1,
    tell: Callable[[str], object] = print,
) -> list[Found]:
    """Make a database for each way, run the program in rounds, and return what was found.

    Args:
        folder: Folder for the databases and the report; it must not have them already.
        rounds: Rounds of breeding.
        children: Groups of a round.
        seed: Seed.
        tell: Called with each line about how far it is.

    Raises:
        StoreError: The folder has one of them already, or a run failed.
    """
    program = shlex.join([sys.executable, str(HERE / "letters.py")])
    for name in (REPORT, *(f"{way}.db" for way in WAYS)):
        if (folder / name).exists():
            raise StoreError(f"{folder / name} is there already: give another --folder")
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _one(folder / f"{way}.db", way, f"{program} {{}}", strategies, rounds, children, seed, tell)
        for way, strategies in WAYS.items()
    ]


def _one(
    path: Path,
    way: str,
    command: str,
    strategies: Sequence[str],
    rounds: int,
    children: int,
    seed: int,
    tell: Callable[[str], object],
) -> Found:
    started = time.monotonic()
    with Store.create(path) as store:
        store.load(HERE / "letters.toml", label="base")
        done = store.auto(
            command,
            METRIC,
            lowest=True,
            loop=rounds,
            children=children,
            data=DATA,
            seed=seed,
            strategies=[*strategies],
            show=lambda progress: tell(f"{way}: {progress.said}") if progress.said else None,
        )
        if done.failed:
            note = store.runs(state="failed")[0].note
            raise StoreError(
                f"{counted(done.failed, 'run')} of {command} failed: {note.get('error', '')}"
            )
        means = _means(store)
    took = time.monotonic() - started
    return Found(way, path, means[1], min(means.values()), len(means), done.ok, took)


def _means(store: Store) -> dict[int, float]:
    """Return the mean over the data sets for each group."""
    values: dict[int, list[float]] = {}
    for run in store.runs(state="ok"):
        values.setdefault(run.group, []).append(run.results[""][METRIC])
    return {group: statistics.fmean(each) for group, each in values.items()}
