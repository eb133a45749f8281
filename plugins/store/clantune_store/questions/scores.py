"""The SQL under every question: the value that each run has for a metric, and the best of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.database.tables import measurements, runs
from clantune_store.questions.compiling import truth_of, value_of
from clantune_store.questions.resolving import Question

LARGEST = 1.7976931348623157e308
"""SQLite has infinities, which are larger."""

CHUNK = 400
"""Values in one list of SQL; SQLite takes a limited number."""


@attrs.frozen
class Scope:
    """Which runs are asked.

    Attributes:
        datasets: Numbers of data sets.
        family: Family, or None for all.
        every: Whether they are all data sets that there are.
    """

    datasets: tuple[int, ...]
    family: str | None = None
    every: bool = False


@attrs.frozen
class Score:
    """The value of one run."""

    value: float
    run: int
    dataset: int


def best(
    connection: sa.Connection,
    question: Question,
    scope: Scope,
    n: int,
    *,
    lowest: bool,
    each_dataset: bool,
) -> tuple[list[Score], int]:
    """Return the best values, in no order, and how many values are not finite numbers.

    They are the best `n` of each data set, or a few more than the best `n` of all.
    """
    if question.plain is not None and question.where is None:
        return _best_reported(connection, question.plain, scope, n, lowest)
    scores = scores_of(question, scope).subquery()
    ranked = _ranked(scores, n, lowest, each_dataset)
    # What is not a finite number comes first, so usually one pass over the table is enough.
    rows = connection.execute(ranked).all()
    left_out = 0
    if any(row.value is None for row in rows):
        missing = sa.select(sa.func.count()).select_from(scores).where(scores.c.value.is_(None))
        left_out = connection.execute(missing).scalar_one()
        finite = sa.select(scores).where(scores.c.value.is_not(None)).subquery()
        rows = connection.execute(_ranked(finite, n, lowest, each_dataset)).all()
    return [Score(row.value, row.run, row.dataset) for row in rows], left_out


def scores_of(question: Question, scope: Scope) -> sa.Select[Any]:
    """Return a query for `run`, `dataset` and `value`, which is None if it is not a finite number.

    Runs for which the condition is false are left out; those for which it is unknown have no value.
    """
    numbers = {*question.numbers.values()} | ({question.plain} - {None})
    alias = {number: measurements.alias(f"m{number}") for number in sorted(filter(None, numbers))}
    first, *others = alias.items()
    rows: sa.FromClause = first[1]
    for number, other in others:
        same = sa.and_(other.c.run == first[1].c.run, other.c.metric == number)
        rows = rows.join(other, same)
    columns = {name: alias[number].c.value for name, number in question.numbers.items()}
    if question.expression is not None:
        value = value_of(question.expression, columns)
    else:
        value = alias[question.plain or 0].c.value
    counts = [sa.func.abs(value) <= sa.literal(LARGEST, sa.Float)]
    run, dataset = first[1].c.run, first[1].c.dataset
    query = sa.select().where(first[1].c.metric == first[0])
    if question.where is not None:
        kept = truth_of(question.where, columns).self_group()
        counts.append(kept)
        query = query.where(kept.is_not(sa.false()))
    query = query.add_columns(run, dataset, sa.case((sa.and_(*counts), value)).label("value"))
    query = query.select_from(rows)
    if not scope.every:
        query = query.where(dataset.in_(scope.datasets))
    if scope.family is not None:
        query = query.where(_of_family(run, scope.family))
    return query


def _of_family(run: sa.ColumnElement[int], family: str) -> sa.ColumnElement[bool]:
    return sa.exists().where(runs.c.number == run, runs.c.family == family)


def _ranked(scores: sa.Subquery, n: int, lowest: bool, each_dataset: bool) -> sa.Select[Any]:
    value = scores.c.value.asc() if lowest else scores.c.value.desc()
    order = (value.nulls_first(), scores.c.run)
    if not each_dataset:
        return sa.select(scores).order_by(*order).limit(n)
    place = sa.func.row_number().over(partition_by=scores.c.dataset, order_by=order)
    placed = sa.select(scores, place.label("place")).subquery()
    return sa.select(placed).where(placed.c.place <= n)


def _best_reported(
    connection: sa.Connection, metric: int, scope: Scope, n: int, lowest: bool
) -> tuple[list[Score], int]:
    """Ask each data set by itself, so that an index has the answer."""
    c = measurements.c
    number = sa.bindparam("dataset_number", type_=c.dataset.type)
    wanted = [c.metric == metric]
    if scope.family is not None:
        wanted.append(_of_family(c.run, scope.family))
    query = sa.select(c.value, c.run).where(*wanted, c.dataset == number, c.value.is_not(None))
    query = query.order_by(c.value.asc() if lowest else c.value.desc(), c.run).limit(n)
    found = []
    for dataset in scope.datasets:
        rows = connection.execute(query, {"dataset_number": dataset})
        found += [Score(row.value, row.run, dataset) for row in rows]
    missing = sa.select(sa.func.count()).select_from(measurements).where(*wanted)
    missing = missing.where(c.value.is_(None))
    left_out = sum(
        connection.execute(missing.where(c.dataset.in_(some))).scalar_one()
        for some in chunks(scope.datasets)
    )
    return found, left_out


def chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Return parts of a list that are short enough for one query."""
    for start in range(0, len(numbers), CHUNK):
        yield numbers[start : start + CHUNK]
