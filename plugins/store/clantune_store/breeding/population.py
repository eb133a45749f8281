"""The groups to breed from: the best ones of each data set, and how good each is in all of them."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.breeding.breeder import Graded, Stored
from clantune_store.database.tables import datasets, groups, runs
from clantune_store.errors import MetricError
from clantune_store.questions.metric import metric_of
from clantune_store.questions.nearest import instead
from clantune_store.questions.resolving import Question, questions_of
from clantune_store.questions.scores import Scope, chunks, scores_of
from clantune_store.questions.top import require_family, require_values, with_condition


@attrs.frozen
class Asked:
    """Which question says how good a group is.

    Attributes:
        metric: Metric, as `Store.top` takes it.
        where: Condition, such as `1 <= trades <= 150`; empty: none.
        lowest: Whether the lowest value is the best; a named metric may say so too.
        families: Only runs of these families; empty: all.
        allow: Only data sets with one of these texts in their name; empty: all.
        deny: No data set with one of these texts in its name.
        algo: The only algo to ask; None: all.
    """

    metric: str
    where: str = ""
    lowest: bool = False
    families: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    allow: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    deny: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    algo: str | None = None


@attrs.frozen
class _Value:
    """The best value of a group in a data set, so that the lowest is the best one."""

    value: float
    run: uuid.UUID
    dataset: str
    group: int


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
    scopes = [*_scopes(connection, asked)]
    questions = questions_of(connection, metric, asked.algo)
    every = [(question, scope) for question in questions for scope in scopes]
    chosen: set[int] | None = None
    if top is not None:
        chosen = {
            number
            for some in _best_groups(connection, every, top, lowest=lowest).values()
            for number in some
        }
    values = _values(connection, every, chosen, lowest=lowest)
    if not values:
        _raise_why(connection, asked, metric, every)
    stored = _stored(connection, {value.group for value in values})
    sign = 1.0 if lowest else -1.0
    return sorted(
        _grades(values, stored, sign), key=lambda each: (-each.fitness, each.group.id.hex)
    )
