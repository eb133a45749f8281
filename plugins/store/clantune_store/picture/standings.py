"""Runs that have a value, and the groups that did best."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import attrs

from clantune_store.questions.run_values import RunValues


@attrs.frozen
class Point:
    """A run that has a value."""

    run: int
    group: int
    dataset: str
    value: float
    stopped: float | None


@attrs.frozen
class Standing:
    """A group among the others.

    Attributes:
        group: Number of the group.
        rank: Mean of its ranks in the data sets, where 1 is the best; in one that it has no run
            of, it comes last.
        best: Best value in each data set, by name.
        runs: How many runs with a value it has.
    """

    group: int
    rank: float
    best: Mapping[str, float]
    runs: int


def standings_of(points: Sequence[Point], values: RunValues) -> list[Standing]:
    """Return the groups of runs, the best one first."""
    best: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for point in points:
        known = best[point.dataset].get(point.group, point.value)
        best[point.dataset][point.group] = min(known, point.value, key=values.best_first)
    places = {}
    for dataset, by_group in best.items():
        ordered = sorted(values.best_first(value) for value in by_group.values())
        at = {value: place for place, value in reversed([*enumerate(ordered, 1)])}
        places[dataset] = {group: at[values.best_first(by_group[group])] for group in by_group}
    runs = Counter(point.group for point in points)
    found = [
        Standing(
            group,
            sum(place.get(group, len(place) + 1) for place in places.values()) / len(places),
            {dataset: by[group] for dataset, by in sorted(best.items()) if group in by},
            runs[group],
        )
        for group in runs
    ]
    return sorted(found, key=lambda each: (each.rank, each.group))
