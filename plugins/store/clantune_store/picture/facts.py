"""What the page shows, read from a store: runs with their values, groups, failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.tables import groups
from clantune_store.errors import MetricError
from clantune_store.exchange.selecting import Selection
from clantune_store.groups.lineage import Parent, lineage
from clantune_store.picture.standings import Point, Standing, standings_of
from clantune_store.questions.run_values import RunValues
from clantune_store.questions.scores import chunks
from clantune_store.runs.listing import Run


@attrs.frozen
class Facts:
    """What the page shows.

    Attributes:
        metric: Metric, as it was asked for.
        lowest: Whether the lowest value is the best.
        points: Runs with a value, in the order in which they ended.
        values: Values of parameters by number of the group and full name.
        standings: Groups, the best one first.
        parents: Who the best group descends from, nearest generation first.
        origins: How the best group and its ancestors came to be, by number of the group.
        failed: Runs that failed, or whose process died.
        states: How many runs are in each state.
        left_out: How many values take no part because they are not finite numbers.
    """

    metric: str
    lowest: bool
    points: Sequence[Point]
    values: Mapping[int, Mapping[str, Any]]
    standings: Sequence[Standing]
    parents: Sequence[Parent]
    origins: Mapping[int, str]
    failed: Sequence[Run]
    states: Mapping[str, int]
    left_out: int

    @property
    def datasets(self) -> list[str]:
        """Names of the data sets, that with the most runs first."""
        count = Counter(point.dataset for point in self.points)
        return sorted(count, key=lambda name: (-count[name], name))


def gather(database: Database, metric: str, selection: Selection, values: RunValues) -> Facts:
    """Return what the page shows.

    Args:
        database: Database of the runs.
        metric: Metric, as it was asked for.
        selection: Runs in all states.
        values: Values of the metric.

    Raises:
        MetricError: No run has a value.
    """
    points = [
        Point(run.number, run.group, run.dataset, values.values[run.number], run.stopped)
        for run in selection.runs
        if run.number in values.values
    ]
    if not points:
        raise MetricError(f"no run that is asked for has a value of {metric!r}")
    points.sort(key=lambda point: (point.stopped or 0.0, point.run))
    standings = standings_of(points, values)
    parents, origins = _ancestry(database, standings[0].group)
    return Facts(
        metric,
        values.lowest,
        points,
        selection.values,
        standings,
        parents,
        origins,
        [run for run in selection.runs if run.state in ("failed", "stale")],
        Counter(run.state for run in selection.runs),
        values.left_out,
    )


def _ancestry(database: Database, group: int) -> tuple[list[Parent], dict[int, str]]:
    with database.read() as connection:
        id_ = sa.select(groups.c.id).where(groups.c.number == group)
        parents = lineage(connection, connection.execute(id_).scalar_one(), "up")
        numbers = {group} | {pair.parent for pair in parents if pair.parent is not None}
        query = sa.select(groups.c.number, groups.c.origin)
        origins = {
            row.number: row.origin
            for some in chunks(sorted(numbers))
            for row in connection.execute(query.where(groups.c.number.in_(some)))
        }
    return parents, origins
