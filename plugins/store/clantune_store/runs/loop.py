"""The loop: run what waits, breed from the best, and so on."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from clantune_store.breeding.breed import add, plan
from clantune_store.breeding.choosing import breeder_of
from clantune_store.database import Database
from clantune_store.database.canonical import canonical, id_of
from clantune_store.errors import StoreError
from clantune_store.questions.expression import Expression
from clantune_store.questions.metric import is_reported, named_metrics
from clantune_store.runs.campaign import (
    SEEDS,
    Campaign,
    count_states,
    next_round,
    open_campaign,
    queue_groups,
    read_campaign,
)
from clantune_store.runs.claims import RETRIES, Claim, new_worker
from clantune_store.runs.executors import Executor, Remote, executor_of
from clantune_store.runs.program import Programs, parts_of
from clantune_store.runs.progress import Progress, best_of
from clantune_store.runs.worker import Local, Runner, Worker, jobs_of, logs_of

CHOICES = ("strategies", "recipe", "evolution")
"""Options that say who breeds."""

Show = Callable[[Progress], object]


def auto(
    database: Database,
    command: str,
    metric: str,
    *,
    top: int = 2,
    loop: int = 12,
    children: int = 15,
    lowest: bool = False,
    families: Sequence[str] = (),
    data: Sequence[str] = (),
    allow: Sequence[str] = (),
    deny: Sequence[str] = (),
    seed: int = 0,
    jobs: int | None = None,
    timeout: float | None = None,
    retries: int = RETRIES,
    executor: Executor | str | None = None,
    logs: str | os.PathLike[str] | None = None,
    new: bool = False,
    show: Show | None = None,
    **breeding: Any,
) -> Progress:
    """Run a command on all groups and data sets, and breed from the best, in rounds.

    The same call again goes on where the last one has ended, however it has.

    Args:
        database: Database.
        command: Command, as `"python train.py {}"`; `{}` stands for the data set.
        metric: Metric, as for `top`.
        top: Groups of each data set that are bred from.
        loop: Rounds.
        children: Groups that a round adds.
        lowest: Whether the lowest value is the best.
        families: Only runs of these families are bred from, and new runs belong to the first of
            them; empty: all, and new runs belong to the family of their data set.
        data: Names of data sets; empty: those that the store has.
        allow: Parts of names; only data sets with one of them are used. Empty: all.
        deny: Parts of names; data sets with one of them are left out.
        seed: Seed.
        jobs: Runs at the same time; None: one for each processor. 0: other workers carry them out.
        timeout: Seconds that a run may take; None: any number.
        retries: Times that a run whose process was lost is begun again.
        executor: Object with `submit`, or text such as `"dask:tcp://host:8786"`: it carries runs
            out, where there is no way to this database.
        logs: Folder for what the commands print; None: see `logs_of`.
        new: Whether to begin another campaign, although there is one with these arguments.
        show: Called with each run that ends, and each round.
        breeding: Further arguments of `breed`: `where`, `strategies`, `recipe`, `evolution`,
            `parts`.

    Returns:
        How it has ended.

    Raises:
        StoreError: The command cannot be read, or there is nothing to run.
        MetricError: The metric is not allowed, or no run has reported it.
    """
    parts_of(command, "")
    _require_counts(top=(top, 1), loop=(loop, 0), children=(children, 1))
    _require_counts(retries=(retries, 0), jobs=(jobs or 0, 0))
    _require_seed_and_timeout(seed, timeout)
    _require_metric(database, metric)
    breeder_of(**{name: breeding[name] for name in CHOICES if name in breeding})  # now, not later
    options = {
        "metric": metric,
        "top": top,
        "loop": loop,
        "children": children,
        "lowest": lowest,
        "families": [*families],
        "data": [*data],
        "allow": [*allow],
        "deny": [*deny],
        "timeout": timeout,
        "retries": retries,
        "breeding": {name: _plain(value) for name, value in breeding.items()},
    }
    campaign = open_campaign(database, command, options, seed, new=new)
    mark = new_worker()
    ours = executor_of(executor) if isinstance(executor, str) else None
    given: Any = executor if ours is None else ours
    if given is None:
        runner: Runner = Local(Programs(database, mark, logs_of(database, logs)), jobs_of(jobs))
    else:
        runner = Remote(database, given, jobs)
    try:
        loop_ = _Loop(database, campaign, mark, runner, show or (lambda _: None), breeding)
        return loop_.run()
    finally:
        runner.close()
        if ours is not None:
            ours.shutdown()


@attrs.define
class _Loop:
    database: Database
    campaign: Campaign
    mark: str
    runner: Runner
    show: Show
    breeding: Mapping[str, Any]

    def run(self) -> Progress:
        self.show(self.progress(said=self._begin()))
        worker = Worker(
            *(self.database, self.mark, self.runner, self.campaign.number),
            on_end=lambda ended, state: self.show(self.progress((ended, state))),
        )
        while True:
            worker.work()
            self.campaign = read_campaign(self.database, self.campaign.number)
            if self.campaign.round >= self.campaign.options["loop"]:
                return self.progress(said=f"campaign {self.campaign.number} is finished")
            self.show(self.progress(said=self._breed()))

    def progress(self, ended: tuple[Claim, str] | None = None, said: str = "") -> Progress:
        options = self.campaign.options
        states = count_states(self.database, self.campaign.number)
        rounds = max(0, options["loop"] - self.campaign.round)
        return Progress(
            *(self.campaign.number, self.campaign.round, options["loop"]),
            *(states.get("ok", 0), states.get("failed", 0)),
            left=sum(states.get(state, 0) for state in ("queued", "running", "stale")),
            ahead=rounds * options["children"] * len(self.campaign.datasets),
            best=best_of(self.database, options),
            ended=ended,
            said=said,
        )

    def _begin(self) -> str:
        campaign = self.campaign
        if campaign.is_new:
            return f"campaign {campaign.number} begins, on {len(campaign.datasets)} data sets"
        return f"campaign {campaign.number} goes on after round {campaign.round}"

    def _breed(self) -> str:
        """Write the groups and the runs of one round in one transaction."""
        before = self.campaign
        options = before.options
        made = plan(
            self.database,
            options["metric"],
            **{name: options[name] for name in ("top", "children", "lowest", "families")},
            **{name: options[name] for name in ("allow", "deny")},
            seed=_seed_of(before),
            progress=before.round / options["loop"],
            **self.breeding,
        )
        with self.database.write() as connection:
            if next_round(connection, before):  # no other process has bred this round
                queue_groups(connection, before, add(connection, made))
        self.campaign = read_campaign(self.database, before.number)
        said = f"round {self.campaign.round} of {options['loop']}"
        new = len(made.children)
        return said if new == made.asked else f"{said}, {made.asked} asked, {new} new"


def _plain(value: Any) -> Any:
    """Return an option of breeding as JSON data; a strategy or evolution as its text."""
    if isinstance(value, str | bool | int | float | None):
        return value
    if isinstance(value, Sequence):
        return [_plain(each) for each in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else repr(value)


def _seed_of(campaign: Campaign) -> int:
    """Return the seed of the next round, which does not depend on the machine."""
    text = canonical([campaign.id.hex, campaign.seed, campaign.round])
    return id_of(text).int % len(SEEDS)


def _require_counts(**given: tuple[int, int]) -> None:
    """Raise which number is below the least one."""
    for name, (value, least) in given.items():
        if value < least:
            raise StoreError(f"{name} is {value}; give {least} or more")


def _require_seed_and_timeout(seed: int, timeout: float | None) -> None:
    if seed not in SEEDS:
        raise StoreError(f"the seed is {seed}; give a whole number from 0 to {SEEDS[-1]}")
    if timeout is not None and not 0 < timeout < math.inf:
        raise StoreError(f"the timeout is {timeout}; give a number of seconds above 0, or none")


def _require_metric(database: Database, metric: str) -> None:
    """Raise why a metric cannot be one before anything has run."""
    with database.read() as connection:
        if is_reported(connection, metric):
            return
    if metric not in dict(named_metrics(database)):
        Expression.of(metric)
