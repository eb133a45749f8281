"""One set of values out of the groups that did best in each algo."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.canonical import canonical
from clantune_store.database.tables import datasets as data
from clantune_store.database.tables import groups, runs
from clantune_store.errors import MetricError
from clantune_store.questions.metric import metric_of
from clantune_store.questions.nearest import instead
from clantune_store.questions.resolving import Question, questions_of
from clantune_store.questions.scores import Scope, scores_of

Values = Mapping[str, Any]

OPTIONS = ("_choice", "_json")
"""Endings of names whose values have nothing between them, even if they are numbers."""


def merge_performers(
    database: Database,
    mapping: Mapping[str, Sequence[str]],
    metric: str,
    *,
    datasets: Iterable[str] = (),
    top: int = 1,
    lowest: bool = False,
) -> dict[str, Any]:
    """Return values for the parameters of each algo, from the groups that did best in it.

    A number is the median of the groups (rounded, where the name ends in `_int`); anything else is
    the commonest value, and of several such the one of the better group.

    Args:
        database: Database to ask.
        mapping: Full names of parameters by algo, such as `{"co2": ["band__high"]}`.
        metric: Metric within each algo, such as `profit`.
        datasets: Names of the only data sets to ask; none: all.
        top: How many groups of each algo, at least 1. A group counts by its best run.
        lowest: Whether the lowest value is the best; a named metric may say so too.

    Raises:
        MetricError: An algo, a parameter, a data set or the metric is not known; an algo has no
            finite value; or a parameter is listed under two algos.
    """
    if top < 1:
        raise MetricError(f"top is {top}; ask for 1 group or more")
    merged: dict[str, Any] = {}
    owner: dict[str, str] = {}
    with database.read() as connection:
        asked = metric_of(connection, metric)
        scope = _scope(connection, tuple(datasets))
        for algo, names in mapping.items():
            found = [
                _best_groups(connection, question, scope, top, lowest=lowest or asked.lowest)
                for question in questions_of(connection, asked, algo)
            ]
            if not any(found):
                raise MetricError(f"the algo {algo!r} has no finite value of {metric!r}")
            for name in (name.replace(".", "__") for name in names):
                if name in owner:
                    raise MetricError(
                        f"the parameter {name!r} is listed under {owner[name]!r} and {algo!r}; one "
                        "algo can decide it"
                    )
                owner[name] = algo
                merged[name] = _merged(name, algo, [values for some in found for values in some])
    return merged


def _scope(connection: sa.Connection, wanted: tuple[str, ...]) -> Scope:
    known = {row.name: row.number for row in connection.execute(sa.select(data))}
    for name in wanted:
        if name not in known:
            raise MetricError(f"there is no data set {name!r}{instead(name, known, 'data sets')}")
    numbers = tuple(number for name, number in known.items() if not wanted or name in wanted)
    return Scope(numbers, every=not wanted)


def _best_groups(
    connection: sa.Connection, question: Question, scope: Scope, top: int, *, lowest: bool
) -> list[Values]:
    """Return the values of the best groups, the best one first."""
    scores = scores_of(question, scope).subquery()
    value = sa.func.min(scores.c.value) if lowest else sa.func.max(scores.c.value)
    query = (
        sa.select(groups.c.parameters)
        .select_from(scores)
        .join(runs, runs.c.number == scores.c.run)
        .join(groups, groups.c.number == runs.c.group)
        .where(scores.c.value.is_not(None))
        .group_by(groups.c.number, groups.c.parameters)
        .order_by(value.asc() if lowest else value.desc(), sa.func.min(scores.c.run))
        .limit(top)
    )
    return [json.loads(text) for text in connection.execute(query).scalars()]


def _merged(name: str, algo: str, best: Sequence[Values]) -> Any:
    values = [each[name] for each in best if name in each]
    if not values:
        known = {known for each in best for known in each}
        raise MetricError(
            f"no group that did best in {algo!r} has the parameter {name!r}"
            f"{instead(name, known, 'parameters')}"
        )
    numbers = all(isinstance(value, int | float) for value in values)
    if not numbers or name.endswith(OPTIONS) or isinstance(values[0], bool):
        texts = [canonical(value) for value in values]
        return json.loads(statistics.mode(texts))  # of several, the first
    middle = statistics.median(values)
    return round(middle) if name.endswith("_int") else middle
