"""Breeding in parts: the parameters of each inner algo by the results of that algo alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import attrs
import sqlalchemy as sa

from clantune_store.breeding.asked import Asked
from clantune_store.breeding.breeder import Breeder, Child, MakeBreeder, Setting
from clantune_store.breeding.population import graded
from clantune_store.database.canonical import canonical
from clantune_store.database.tables import metrics
from clantune_store.errors import MetricError, StoreError
from clantune_store.questions.metric import metric_of
from clantune_store.questions.narrowing import with_condition
from clantune_store.questions.resolving import questions_of
from clantune_store.space.space import Space


def in_parts(make: MakeBreeder, top: int) -> MakeBreeder:
    """Return what makes a breeder for each part of a space.

    A parameter with one tag belongs to the algo of that name. A parameter with none or several goes
    with the overall result, and so do those of an algo that has no result.

    Args:
        make: What makes the breeder of a part.
        top: Groups to breed from, of each data set.
    """

    def make_parts(setting: Setting) -> Breeder:
        return Parts({part.part: make(part) for part in _settings(setting, top)})

    return make_parts


@attrs.frozen
class Parts:
    """Breeds each part by itself, and puts the values together.

    Attributes:
        breeders: Breeders by the tag of their part; empty for the rest.
    """

    breeders: Mapping[str, Breeder] = attrs.field(hash=False)

    def child(self, number: int, attempt: int) -> Child:
        """Return a child whose parts have parents of their own."""
        made = {part: breeder.child(number, attempt) for part, breeder in self.breeders.items()}
        values = {name: value for each in made.values() for name, value in each.values.items()}
        learned = {
            name: record
            for each in made.values()
            if each.learned
            for name, record in json.loads(each.learned).items()
        }
        return Child(
            dict(sorted(values.items())),
            tuple(parent for each in made.values() for parent in each.parents),
            canonical(learned) if learned else None,
        )


def _settings(setting: Setting, top: int) -> list[Setting]:
    """Return the setting of each part, and that of the rest if there is one."""
    space = setting.space
    own = {name: tags[0] for name, tags in space.tags.items() if len(tags) == 1}
    if not own:
        raise StoreError(
            "no parameter belongs to one algo alone, so there are no parts: give them tags, as in "
            '`low = { value = 1.0, tags = ["entry"] }`'
        )
    with setting.database.read() as connection:
        asked = {algo: _asked(connection, setting.asked, algo) for algo in sorted({*own.values()})}
        found = [
            attrs.evolve(
                setting,
                space=_only(space, [name for name, tag in own.items() if tag == algo]),
                population=tuple(graded(connection, question, top)),
                asked=question,
                part=algo,
            )
            for algo, question in asked.items()
            if question is not None
        ]
    inside = {name for part in found for name in part.space.parameters}
    rest = [name for name in space.parameters if name not in inside]
    return [*found, attrs.evolve(setting, space=_only(space, rest))] if rest else found


def _asked(connection: sa.Connection, asked: Asked, algo: str) -> Asked | None:
    """Return the question about one algo; None if no run answers it.

    Of the reported metric `algo.name`, every algo is asked for `name`.
    """
    metric = metric_of(connection, asked.metric)
    plain = [question for question in questions_of(connection, metric) if question.plain]
    names = connection.execute(
        sa.select(metrics.c.name).where(metrics.c.number.in_([each.plain for each in plain]))
    ).scalars()
    name = next(iter(names), None)
    question = attrs.evolve(
        asked,
        metric=asked.metric if name is None else name,
        where=with_condition(metric, asked.where).where if name else asked.where,
        lowest=asked.lowest or metric.lowest,
        algo=algo,
    )
    try:
        graded(connection, question, 1)
    except MetricError:
        return None
    return question


def _only(space: Space, names: Iterable[str]) -> Space:
    """Return a space with some of the parameters, and without rules."""
    return Space({name: space.parameters[name] for name in sorted(names)})
