"""The groups to breed from: the best ones of each data set, and how good each is in all of them."""

from __future__ import annotations

import bisect
import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.breeding.asked import Asked
from clantune_store.breeding.breeder import Graded, Stored
from clantune_store.database.tables import datasets, groups, runs
from clantune_store.errors import MetricError
from clantune_store.printable import counted
from clantune_store.questions.metric import Metric, metric_of
from clantune_store.questions.narrowing import require_family, require_values, with_condition
from clantune_store.questions.nearest import instead
from clantune_store.questions.resolving import questions_of
from clantune_store.questions.scores import Scope, chunks, scores_of

Key = tuple[int, int]
"""Local numbers of a group and a data set."""

Best = tuple[float, uuid.UUID]
"""A value, with its sign turned unless the lowest is the best; and the id of its run."""


def graded(connection: sa.Connection, asked: Asked, top: int | None = None) -> list[Graded]:
    """Return groups and how good they are, the best one first.

    With one data set, the fitness of a group is its best value there; its sign is turned where the
    lowest is the best. With several, it is minus its mean rank: 1 for the best of the groups here,
    and their number in a data set where the group has no value.

    Args:
        connection: Any transaction.
        asked: The question.
        top: Take the best groups of each data set, this many of each; None: all that have a value.

    Raises:
        MetricError: No group has a value; the error says what there is instead.
    """
    metric = with_condition(metric_of(connection, asked.metric), asked.where)
    lowest = asked.lowest or metric.lowest
    scopes = _scopes(connection, asked)
    scores = [
        scores_of(question, scope).subquery()
        for question in questions_of(connection, metric, asked.algo)
        for scope in scopes
    ]
    chosen = None if top is None else _best_groups(connection, scores, top, lowest=lowest)
    values = _values(connection, scores, chosen, lowest=lowest)
    if not values:
        raise _why_none(connection, asked, metric, scores)
    stored = _stored(connection, {group for group, _ in values})
    found = [
        Graded(stored[group], fitness, run) for group, (fitness, run) in _fitnesses(values).items()
    ]
    return sorted(found, key=lambda each: (-each.fitness, each.group.id.hex))


def _scopes(connection: sa.Connection, asked: Asked) -> list[Scope]:
    """Return which runs are asked: one scope for each family."""
    for family in asked.families:
        require_family(connection, family)
    rows = connection.execute(sa.select(datasets).order_by(datasets.c.name)).all()
    kept = [row.number for row in rows if _is_wanted(row.name, asked)]
    if rows and not kept:
        known = [row.name for row in rows]
        near = instead((asked.allow or ("",))[0], known, "data sets")
        raise MetricError(f"the limits leave none of {counted(len(rows), 'data set')}{near}")
    every = len(kept) == len(rows)
    return [Scope(tuple(kept), family, every) for family in asked.families or (None,)]


def _is_wanted(name: str, asked: Asked) -> bool:
    is_allowed = not asked.allow or any(text in name for text in asked.allow)
    return is_allowed and not any(text in name for text in asked.deny)


def _best_groups(
    connection: sa.Connection, scores: Iterable[sa.Subquery], top: int, *, lowest: bool
) -> set[int]:
    """Return the numbers of the best groups of each data set."""
    best: defaultdict[int, dict[int, tuple[float, str]]] = defaultdict(dict)
    for some in scores:
        value = (sa.func.min if lowest else sa.func.max)(some.c.value)
        order = (value.asc() if lowest else value.desc(), groups.c.id)
        place = sa.func.row_number().over(partition_by=some.c.dataset, order_by=order)
        placed = (
            sa.select(groups.c.number, groups.c.id, some.c.dataset, value.label("value"))
            .add_columns(place.label("place"))
            .join_from(some, runs, runs.c.number == some.c.run)
            .join(groups, groups.c.number == runs.c.group)
            .where(some.c.value.is_not(None))
            .group_by(groups.c.number, groups.c.id, some.c.dataset)
            .subquery()
        )
        for row in connection.execute(sa.select(placed).where(placed.c.place <= top)):
            key = (row.value if lowest else -row.value, row.id.hex)
            known = best[row.dataset].get(row.number, key)
            best[row.dataset][row.number] = min(key, known)
    return {
        number for found in best.values() for number in sorted(found, key=found.__getitem__)[:top]
    }


def _values(
    connection: sa.Connection,
    scores: Iterable[sa.Subquery],
    chosen: set[int] | None,
    *,
    lowest: bool,
) -> dict[Key, Best]:
    """Return the best value of each group in each data set, and its run."""
    best: dict[Key, Best] = {}
    for some in scores:
        query = (
            sa.select(runs.c.group, runs.c.id, some.c.dataset, some.c.value)
            .join_from(some, runs, runs.c.number == some.c.run)
            .where(some.c.value.is_not(None))
        )
        parts = [query] if chosen is None else _parts(query, runs.c.group, chosen)
        for part in parts:
            for row in connection.execute(part):
                key = (row.group, row.dataset)
                cost = (row.value if lowest else -row.value, row.id)
                best[key] = min(best.get(key, cost), cost)
    return best


def _fitnesses(values: Mapping[Key, Best]) -> dict[int, tuple[float, uuid.UUID]]:
    """Return the fitness of each group, and the run in which it does best."""
    by_dataset: defaultdict[int, dict[int, Best]] = defaultdict(dict)
    for (group, dataset), best in values.items():
        by_dataset[dataset][group] = best
    if len(by_dataset) == 1:
        (only,) = by_dataset.values()
        return {group: (-cost, run) for group, (cost, run) in only.items()}
    places: defaultdict[int, list[tuple[int, uuid.UUID]]] = defaultdict(list)
    for found in by_dataset.values():
        costs = sorted(cost for cost, _ in found.values())
        for group, (cost, run) in found.items():
            places[group].append((bisect.bisect_left(costs, cost) + 1, run))
    last, count = len(places), len(by_dataset)
    return {
        group: (-(sum(place for place, _ in own) + last * (count - len(own))) / count, min(own)[1])
        for group, own in places.items()
    }


def _stored(connection: sa.Connection, numbers: Iterable[int]) -> dict[int, Stored]:
    columns = (groups.c.number, groups.c.id, groups.c.parameters, groups.c.learned)
    return {
        row.number: Stored(row.number, row.id, json.loads(row.parameters), row.learned)
        for part in _parts(sa.select(*columns), groups.c.number, numbers)
        for row in connection.execute(part)
    }


def _parts(
    query: sa.Select[Any], column: sa.ColumnElement[int], numbers: Iterable[int]
) -> Iterator[sa.Select[Any]]:
    """Yield the query for some numbers at a time."""
    for some in chunks(sorted(numbers)):
        yield query.where(column.in_(some))


def _why_none(
    connection: sa.Connection, asked: Asked, metric: Metric, scores: Sequence[sa.Subquery]
) -> MetricError:
    """Return the error for a question without an answer, if it is not one of a name."""
    counts = [sa.select(sa.func.count()).select_from(each) for each in scores]
    missing = sum(connection.execute(count).scalar_one() for count in counts)
    if missing or not metric.where:
        family = " or ".join(asked.families) or None
        require_values(asked.metric, attrs.evolve(metric, where=""), missing, None, family)
    return MetricError(f"no run meets the condition {metric.where!r}")
