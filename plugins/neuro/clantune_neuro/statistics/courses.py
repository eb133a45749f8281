"""How a run went: scores, parents and the effects of genes, from its history alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence

import attrs

from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import CHARACTERS, Gene
from clantune_neuro.run.ancestry import generations
from clantune_neuro.run.history import Line, Past

ENOUGH = 50
"""With fewer effective parents, variants are lost by chance: the first half of the 50/500 rule."""


@attrs.frozen
class Point:
    """A generation on the way of a run.

    Attributes:
        generation: Its number.
        evaluations: Number of networks evaluated until then.
        best: The best base score; None if all members are dead.
        median: The median of the base scores of living members; None if there are none.
        effective_size: How many parents it effectively has; None for the births.
    """

    generation: int
    evaluations: int
    best: float | None
    median: float | None
    effective_size: float | None


def course(lines: Iterable[Line], *, improvement: bool = False) -> list[Point]:
    """Return each generation of a history as a point.

    Args:
        lines: The lines of the history.
        improvement: Whether scores are improvements. Births have none.
    """
    points = [_point(line) for line in lines]
    if not improvement:
        return points
    return [attrs.evolve(points[0], best=None, median=None), *points[1:]]


def effective_size(line: Line) -> float | None:
    """Return how many parents a generation effectively has; None for the births.

    It is (sum c)^2 / sum c^2, where c is what a parent contributes: the sum of its shares. It is
    the number of parents if all contribute alike, and 1 if a single one has all children.
    """
    contributed: dict[int, float] = {}
    for member in line.members:
        for rank, share in member.parents:
            contributed[rank] = contributed.get(rank, 0.0) + share
    squares = sum(each**2 for each in contributed.values())
    return sum(contributed.values()) ** 2 / squares if squares else None


@attrs.frozen
class Effect:
    """What the genes of one operator did to the score.

    Attributes:
        operator: Name of the operator.
        genes: Number of children with one new gene, which is of this operator.
        better: Share of them that scored higher than their parent.
        equal: Share that scored the same.
        worse: Share that scored lower.
        dead: Share that died.
        mean: Mean change of the score of the living; None if all died.
    """

    operator: str
    genes: int
    better: float
    equal: float
    worse: float
    dead: float
    mean: float | None


def effects(
    lines: Iterable[Line], blueprint: Blueprint, *, improvement: bool = False
) -> list[Effect]:
    """Return what the genes of each operator did, most frequent ones first.

    A child counts if its lineage is that of its dominant parent with one more gene. Where a task is
    noisy and scores are not improvements, the change includes the noise.

    Args:
        lines: The lines of the history.
        blueprint: The blueprint of the run.
        improvement: Whether scores are improvements.
    """
    changes: dict[str, list[float | None]] = {}
    for operator, change in _changes(lines, blueprint, improvement=improvement):
        changes.setdefault(operator, []).append(change)
    found = [_effect(name, held) for name, held in changes.items()]
    return sorted(found, key=lambda effect: -effect.genes)


def _point(line: Line) -> Point:
    bases = [member.base for member in line.members if member.base is not None]
    return Point(
        line.generation,
        line.evaluations,
        max(bases, default=None),
        statistics.median(bases) if bases else None,
        effective_size(line),
    )


def _changes(
    lines: Iterable[Line], blueprint: Blueprint, *, improvement: bool
) -> Iterator[tuple[str, float | None]]:
    """Yield the operator of each new gene, and how the score changed; None for a dead child."""
    parents: Sequence[Past] = ()
    for line, _, before in generations(lines):
        for member in line.members:
            place = member.dominant
            if place is None or not _adds_one(member, before[place]):
                continue
            base = parents[place].base
            if base is not None:
                before_it = 0.0 if improvement else base
                name = blueprint.entry(Gene.of_text(member.added).operator).name
                yield name, None if member.base is None else member.base - before_it
        parents = line.members


def _adds_one(member: Past, parent: str) -> bool:
    return len(member.added) == CHARACTERS and CHARACTERS * member.kept == len(parent)


def _effect(operator: str, changes: Sequence[float | None]) -> Effect:
    living = [change for change in changes if change is not None]
    count = len(changes)
    return Effect(
        operator,
        count,
        sum(change > 0 for change in living) / count,
        sum(change == 0 for change in living) / count,
        sum(change < 0 for change in living) / count,
        (count - len(living)) / count,
        statistics.fmean(living) if living else None,
    )
