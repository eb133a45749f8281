"""Copying runs and their measurements from one database to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import attrs
import sqlalchemy as sa

from clantune_store.database import portable
from clantune_store.database.names import numbers_of
from clantune_store.database.portable import Measured, pages
from clantune_store.database.tables import (
    campaigns,
    datasets,
    groups,
    machines,
    measurements,
    metrics,
    runs,
)
from clantune_store.exchange.copy_groups import numbers_by_id

ORDER = ("queued", "running", "stale", "failed", "ok")
"""States of a run. Of two versions of one run, the one whose state is later here stays."""

SAME = ("id", "family", "state", "attempt")
TIMES = ("queued", "started", "heartbeat", "stopped")
TOLD = ("process", "note")


def copy_runs(source: sa.Connection, target: sa.Connection) -> int:
    """Copy runs and their measurements, in the order of their numbers; return how many are new.

    The groups and campaigns that they belong to are there already.
    """
    copying, new = _Copying(target), 0
    for page in pages(source, portable.RUNS, runs.c.number):
        measured = portable.measured_of(source, [row.number for row in page])
        by_id = {row.id: measured.get(row.number, {}) for row in page}
        new += copying.copy(page, by_id)
    return new


@attrs.define
class _Copying:
    """One merge of runs. It remembers the numbers of the names that it has met."""

    target: sa.Connection
    _numbers: dict[tuple[str, ...], int] = attrs.field(factory=dict, init=False)

    def copy(self, page: Sequence[Any], measured: dict[Any, Measured]) -> int:
        """Copy some runs; return how many are new."""
        ids = [row.id for row in page]
        known = self.target.execute(
            portable.RUNS.where(runs.c.id.in_(ids)).with_for_update(of=runs)
        ).all()
        here = {row.id: row for row in known}
        verdicts = {row.id: _verdict(row, here.get(row.id)) for row in page}
        equal = [here[id_].number for id_, verdict in verdicts.items() if verdict == "equal"]
        measured_here = portable.measured_of(self.target, equal)
        self._write([row for row in page if verdicts[row.id] in ("new", "better")], here)
        numbers = numbers_by_id(self.target, runs, ids)
        rows: list[dict[str, Any]] = []
        for row in page:
            said = measured[row.id]
            if verdicts[row.id] == "worse":
                continue
            if verdicts[row.id] == "equal":
                said = self._remove_other(numbers[row.id], said, measured_here)
            rows += self._measurements(numbers[row.id], row.dataset_name, said)
        if rows:
            self.target.execute(measurements.insert(), rows)
        return sum(verdict == "new" for verdict in verdicts.values())

    def _write(self, page: Sequence[Any], here: dict[Any, Any]) -> None:
        """Write runs that are new, or further than the version that is here."""
        group_of = numbers_by_id(self.target, groups, {row.group_id for row in page})
        used = {row.campaign_id for row in page if row.campaign_id is not None}
        campaign_of = numbers_by_id(self.target, campaigns, used)
        for row in page:
            values = {name: getattr(row, name) for name in (*SAME, *TIMES, *TOLD)}
            values |= {
                "group": group_of[row.group_id],
                "dataset": self._number(datasets, name=row.dataset_name),
                "campaign": campaign_of.get(row.campaign_id),
                "machine": None if row.facts is None else self._number(machines, facts=row.facts),
            }
            if row.id in here:
                number = here[row.id].number
                self.target.execute(measurements.delete().where(measurements.c.run == number))
                self.target.execute(runs.update().where(runs.c.number == number).values(values))
            else:
                self.target.execute(runs.insert().values(values))

    def _remove_other(self, number: int, said: Measured, here: dict[int, Measured]) -> Measured:
        """Return what an equal run lacks. Of two values that differ, the smaller text stays."""
        own = here.get(number, {})
        missing = {
            name: value
            for name, value in said.items()
            if name not in own or repr(value) < repr(own[name])
        }
        replaced = [
            self._number(metrics, algo=algo, name=name)
            for algo, name in missing
            if (algo, name) in own
        ]
        if replaced:
            self.target.execute(
                measurements.delete()
                .where(measurements.c.run == number)
                .where(measurements.c.metric.in_(replaced))
            )
        return missing

    def _measurements(self, run: int, dataset: str, said: Measured) -> list[dict[str, Any]]:
        return [
            {
                "metric": self._number(metrics, algo=algo, name=name),
                "run": run,
                "dataset": self._number(datasets, name=dataset),
                "value": value,
                "other": other,
            }
            for (algo, name), (value, other) in said.items()
        ]

    def _number(self, table: sa.Table, **names: str) -> int:
        """Return the local number of a name, which is written if it is new."""
        key = (table.name, *names.values())
        if key not in self._numbers:
            (self._numbers[key],) = numbers_of(self.target, table, [names])
        return self._numbers[key]


def _verdict(row: Any, here: Any) -> Literal["new", "better", "equal", "worse"]:
    if here is None:
        return "new"
    one, other = _order(row), _order(here)
    if one == other:
        return "equal"
    return "better" if one > other else "worse"


def _order(row: Any) -> tuple[int, float, str]:
    state = ORDER.index(row.state) if row.state in ORDER else -1
    stopped = -1.0 if row.stopped is None else row.stopped
    return (state, stopped, portable.text_of_run(row))
