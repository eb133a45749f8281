"""What the ranks of a parameter and of the metric say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from clantune_store.database.canonical import canonical
from clantune_store.picture.facts import Facts
from clantune_store.picture.ranks import association, correlation, ranks_within
from clantune_store.picture.standings import Point


@attrs.frozen
class Effect:
    """A parameter and what its ranks say.

    Attributes:
        name: Full name.
        size: Rank correlation; for options the strength of their association, from 0; or None.
        options: JSON texts of all values, sorted; empty for a number.
        points: Runs whose group has the parameter.
    """

    name: str
    size: float | None
    options: tuple[str, ...]
    points: Sequence[Point]


def effects_of(facts: Facts) -> tuple[list[Effect], list[str]]:
    """Return the parameters that vary, the strongest one first, and the names of the others."""
    names = sorted({name for point in facts.points for name in facts.values[point.group]})
    found, same = [], []
    for name in names:
        points = [point for point in facts.points if name in facts.values[point.group]]
        values = [facts.values[point.group][name] for point in points]
        if len({*map(canonical, values)}) < 2:
            same.append(name)
        else:
            found.append(_effect(name, points, values))
    return sorted(found, key=lambda each: (-abs(each.size or 0.0), each.name)), same


def _effect(name: str, points: Sequence[Point], values: Sequence[Any]) -> Effect:
    placed = ranks_within([point.value for point in points], [point.dataset for point in points])
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return Effect(name, correlation(values, placed), (), points)
    texts = [canonical(value) for value in values]
    options = tuple(sorted({*texts}))
    if len(options) == 2:
        return Effect(
            name, correlation([options.index(text) for text in texts], placed), options, points
        )
    return Effect(name, association(texts, placed), options, points)
