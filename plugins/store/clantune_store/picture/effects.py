"""What the ranks of a parameter and of the metric say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from clantune_store.database.canonical import canonical
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


def effects_of(
    points: Sequence[Point], values: Mapping[int, Mapping[str, Any]]
) -> tuple[list[Effect], list[str]]:
    """Return the parameters that vary, the strongest one first, and the names of the others.

    Args:
        points: Runs.
        values: Values by number of the group and full name.
    """
    placed = ranks_within([point.value for point in points], [point.dataset for point in points])
    rank_of = {point.run: rank for point, rank in zip(points, placed, strict=True)}
    groups = {point.group: values[point.group] for point in points}
    found, same = [], []
    for name in sorted({name for own in groups.values() for name in own}):
        held = {group: own[name] for group, own in groups.items() if name in own}
        own_points = [point for point in points if point.group in held]
        if len({canonical(value) for value in held.values()}) < 2:
            same.append(name)
        else:
            placed = [rank_of[point.run] for point in own_points]
            found.append(_effect(name, own_points, held, placed))
    return sorted(found, key=lambda each: (-abs(each.size or 0.0), each.name)), same


def _effect(
    name: str, points: Sequence[Point], held: Mapping[int, Any], placed: Sequence[float]
) -> Effect:
    if all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in held.values()
    ):
        return Effect(
            name, correlation([held[point.group] for point in points], placed), (), points
        )
    text = {group: canonical(value) for group, value in held.items()}
    options = tuple(sorted({*text.values()}))
    if len(options) == 2:
        size = correlation([options.index(text[point.group]) for point in points], placed)
    else:
        size = association([text[point.group] for point in points], placed)
    return Effect(name, size, options, points)
