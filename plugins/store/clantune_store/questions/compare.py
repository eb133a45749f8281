"""Comparing databases: their best values, and in what the groups behind them differ."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import attrs
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.canonical import canonical
from clantune_store.database.tables import datasets, groups, labels, measurements, metrics, runs
from clantune_store.errors import StoreError
from clantune_store.questions.comparison import Best, Compared, Comparison, Line, Order
from clantune_store.questions.resolving import Question
from clantune_store.questions.scores import Scope, Score, best, chunks

Key = tuple[str, str, Order]
Chosen = Collection[int | str]
ORDERS: tuple[Order, ...] = ("highest", "lowest")


def compare(
    databases: Mapping[str, Database],
    groups: Chosen | None = None,
    n: int = 5,
) -> Comparison:
    """Compare the best results of databases, and the groups that they come from.

    Args:
        databases: Databases by the name that they are shown with.
        groups: Groups to compare, each by its number, its label or the beginning of its id, as far
            as a database has it; None: all.
        n: How many groups of each database are shown with their parameters, if all are compared:
            those that have the best value of most metrics.

    Raises:
        StoreError: No database has a group that is asked for.
    """
    lines: dict[Key, list[Best]] = defaultdict(list)
    shown: list[Compared] = []
    missing = {*(groups or ())}
    for name, database in databases.items():
        with database.read() as connection:
            only = None if groups is None else _chosen(connection, groups)
            missing -= {*(only or ())}
            numbers = None if only is None else {*only.values()}
            found = _bests(connection, name, numbers)
            for key, value in found:
                lines[key].append(value)
            numbers_shown = _most_often(found, n) if numbers is None else sorted(numbers)
            shown += _compared(connection, name, numbers_shown)
    if missing:
        wanted = ", ".join(sorted(map(repr, missing)))
        raise StoreError(f"no group {wanted} is in {' or '.join(databases)}")
    differ = _differing(shown)
    return Comparison(
        tuple(databases),
        tuple(Line(*key, tuple(lines[key])) for key in sorted(lines)),
        tuple(_only(group, differ) for group in shown),
        differ,
    )


def _chosen(connection: sa.Connection, wanted: Chosen) -> dict[int | str, int]:
    """Return the number of each group that is asked for and that the database has."""
    known = connection.execute(sa.select(groups.c.number, groups.c.id)).all()
    named = {row.label: row.group for row in connection.execute(sa.select(labels))}
    found: dict[int | str, int] = {}
    for group in wanted:
        text = str(group)
        numbers = [row.number for row in known if str(row.number) == text]
        ids = [row.number for row in known if len(text) > 3 and str(row.id).startswith(text)]
        for number in (*numbers, *([named[text]] if text in named else ()), *ids)[:1]:
            found[group] = number
    return found


def _bests(
    connection: sa.Connection, database: str, only: set[int] | None
) -> list[tuple[Key, Best]]:
    names = {row.number: row.name for row in connection.execute(sa.select(datasets))}
    scope = Scope(tuple(names), every=True)
    found: list[tuple[Key, Score]] = []
    reported = None if only is None else _scores_of(connection, only)
    for row in connection.execute(sa.select(metrics)).all():
        plain = Question(row.algo, row.number, None, None, {})
        for order in ORDERS:
            if reported is None:
                scores, _ = best(
                    connection, plain, scope, 1, lowest=order == "lowest", each_dataset=False
                )
            else:
                scores = reported[row.number]
            if scores:
                found.append(((row.algo, row.name, order), _first(scores, order)))
    groups_of = _groups_of(connection, sorted({score.run for _, score in found}))
    return [
        (key, Best(database, score.value, score.run, groups_of[score.run], names[score.dataset]))
        for key, score in found
    ]


def _first(scores: Sequence[Score], order: Order) -> Score:
    sign = 1 if order == "lowest" else -1
    return min(scores, key=lambda score: (sign * score.value, score.run))


def _scores_of(connection: sa.Connection, only: set[int]) -> dict[int, list[Score]]:
    c = measurements.c
    query = sa.select(c.metric, c.value, c.run, c.dataset).join(runs, runs.c.number == c.run)
    found: dict[int, list[Score]] = defaultdict(list)
    for some in chunks(sorted(only)):
        for row in connection.execute(query.where(runs.c.group.in_(some), c.value.is_not(None))):
            found[row.metric].append(Score(row.value, row.run, row.dataset))
    return found


def _groups_of(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, int]:
    found = {}
    for some in chunks(numbers):
        query = sa.select(runs.c.number, runs.c.group).where(runs.c.number.in_(some))
        found.update({row.number: row.group for row in connection.execute(query)})
    return found


def _most_often(found: list[tuple[Key, Best]], n: int) -> list[int]:
    count = Counter(value.group for _, value in found)
    return sorted(count, key=lambda group: (-count[group], group))[:n]


def _compared(
    connection: sa.Connection, database: str, numbers: Sequence[int]
) -> Iterator[Compared]:
    for number in numbers:
        row = connection.execute(sa.select(groups).where(groups.c.number == number)).one()
        yield Compared(database, number, row.id, json.loads(row.parameters))


def _differing(shown: Sequence[Compared]) -> tuple[str, ...]:
    names = dict.fromkeys(name for group in shown for name in group.values)
    return tuple(name for name in names if len({_text(group, name) for group in shown}) > 1)


def _text(group: Compared, name: str) -> str | None:
    return canonical(group.values[name]) if name in group.values else None


def _only(group: Compared, names: Sequence[str]) -> Compared:
    kept = {name: group.values[name] for name in names if name in group.values}
    return attrs.evolve(group, values=kept)
