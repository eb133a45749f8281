"""The best runs by a metric."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, overload

import attrs
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.tables import runs
from clantune_store.errors import MetricError
from clantune_store.questions.metric import metric_of
from clantune_store.questions.narrowing import (
    datasets_of,
    require_family,
    require_values,
    with_condition,
)
from clantune_store.questions.resolving import questions_of
from clantune_store.questions.scores import Scope, Score, best, chunks

Per = Literal["dataset", "algo"]


@attrs.frozen
class Row:
    """One run and its value.

    Attributes:
        value: Value of the metric.
        run: Number of the run.
        group: Number of its group.
        dataset: Name of its data set.
        algo: Algo that the value belongs to.
        family: Name that its results are kept together by.
    """

    value: float
    run: int
    group: int
    dataset: str
    algo: str
    family: str


@attrs.frozen
class Top(Sequence[Row]):
    """The best runs, the best one first.

    Attributes:
        rows: Runs and their values; equal values in the order of the runs.
        left_out: How many values took no part because they are not finite numbers.
    """

    rows: tuple[Row, ...]
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        return self.rows[index]


def top(
    database: Database,
    metric: str,
    n: int = 5,
    *,
    where: str = "",
    lowest: bool = False,
    dataset: str | None = None,
    family: str | None = None,
    algo: str | None = None,
    per: Per | None = None,
) -> Top:
    """Return the best runs by a metric.

    Args:
        database: Database to ask.
        metric: Name of a named metric; or that of a reported one, `algo.name`, or `name` in every
            algo; or an expression over names of one algo, such as `profit / trades`.
        n: How many, at least 1.
        where: Condition over names of the same algo, such as `1 <= trades <= 150`; if the metric
            is a named one, its own condition holds as well.
        lowest: Whether the lowest value is the best; a named metric may say so too.
        dataset: The only data set to ask.
        family: The only family to ask.
        algo: The only algo to ask.
        per: `"dataset"` or `"algo"`: the best `n` of each, which are sorted by its name first.

    Returns:
        Rows; none if no run is known to meet the condition.

    Raises:
        MetricError: The metric is not allowed or not reported, there is no such data set, family
            or algo, or no value is a finite number.
    """
    if n < 1:
        raise MetricError(f"n is {n}; ask for 1 row or more")
    if per not in (None, "dataset", "algo"):
        raise MetricError(f"per is {per!r}; it may be 'dataset' or 'algo'")
    with database.read() as connection:
        asked = with_condition(metric_of(connection, metric), where)
        least = lowest or asked.lowest
        names = datasets_of(connection, dataset)
        scope = Scope(tuple(names), family, every=dataset is None)
        found: list[tuple[str, Score]] = []
        left_out = 0
        for question in questions_of(connection, asked, algo):
            scores, missing = best(
                connection, question, scope, n, lowest=least, each_dataset=per == "dataset"
            )
            found += [(question.algo, score) for score in scores]
            left_out += missing
        if not found:
            require_family(connection, family)
            require_values(metric, asked, left_out, dataset, family)
        order = _order(names, least=least, per=per)
        kept = _first_of_each(sorted(found, key=order), n, names, per)
        return Top(tuple(_rows(connection, kept, names)), left_out)


def _order(
    names: dict[int, str], *, least: bool, per: Per | None
) -> Callable[[tuple[str, Score]], tuple[object, ...]]:
    def key(pair: tuple[str, Score]) -> tuple[object, ...]:
        algo, score = pair
        first = {"dataset": names[score.dataset], "algo": algo, None: ""}[per]
        return (first, score.value if least else -score.value, score.run, algo)

    return key


def _first_of_each(
    ordered: Iterable[tuple[str, Score]], n: int, names: dict[int, str], per: Per | None
) -> list[tuple[str, Score]]:
    count: dict[str, int] = defaultdict(int)
    kept = []
    for algo, score in ordered:
        part = {"dataset": names[score.dataset], "algo": algo, None: ""}[per]
        count[part] += 1
        if count[part] <= n:
            kept.append((algo, score))
    return kept


def _rows(
    connection: sa.Connection, kept: list[tuple[str, Score]], names: dict[int, str]
) -> Iterable[Row]:
    of = {}
    for some in chunks(sorted({score.run for _, score in kept})):
        query = sa.select(runs.c.number, runs.c.group, runs.c.family)
        for row in connection.execute(query.where(runs.c.number.in_(some))):
            of[row.number] = row
    for algo, score in kept:
        run = of[score.run]
        yield Row(score.value, score.run, run.group, names[score.dataset], algo, run.family)
