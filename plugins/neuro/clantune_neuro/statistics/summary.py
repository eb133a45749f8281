"""The statistics of a run as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from clantune_neuro.evaluation.record import Record
from clantune_neuro.gates import Line, as_table
from clantune_neuro.replay.nursery import Nursery
from clantune_neuro.run.members import lineage_of, order
from clantune_neuro.run.reading import Stored
from clantune_neuro.statistics import measures
from clantune_neuro.statistics.courses import ENOUGH, Effect, Point
from clantune_neuro.statistics.replayed import Replayed


@attrs.frozen
class Summary:
    """Tables by title, and what to look at.

    Attributes:
        tables: Rows by the title of their table, the first row its head.
        warnings: What to look at, in sentences.
    """

    tables: Mapping[str, tuple[Line, ...]]
    warnings: tuple[str, ...]

    def to_plain(self) -> dict[str, Any]:
        """Return the tables and warnings as plain data for JSON."""
        tables = {
            title: [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]
            for title, rows in self.tables.items()
        }
        return {**tables, "warnings": [*self.warnings]}

    def __str__(self) -> str:
        parts = [f"{title}\n{as_table(rows)}" for title, rows in self.tables.items()]
        return "\n\n".join([*parts, *(f"note: {each}" for each in self.warnings)])


def summary(
    run: Stored,
    course: Sequence[Point],
    effects: Sequence[Effect],
    replayed: Sequence[Replayed] = (),
) -> Summary:
    """Return the statistics of a run.

    Args:
        run: The run.
        course: Its generations.
        effects: The effects of its genes.
        replayed: The ancestors of the best member, if they were replayed.
    """
    tables = {
        "run": _run(run, course[-1]),
        "members": tuple(_members(run)),
        "weights of the best member": tuple(_weights(run)),
        "operators": tuple(_operators(run, effects)),
    }
    if replayed:
        tables["ancestors of the best member"] = _rows(Replayed, replayed)
    return Summary(tables, tuple(_warnings(course)))


def _run(run: Stored, last: Point) -> tuple[Line, ...]:
    best = Record.of(max(run.progress.population, key=order))
    return (
        ("", "value"),
        ("generation", run.progress.generation),
        ("members", len(run.progress.population)),
        ("evaluations", run.progress.evaluations),
        ("game frames", run.progress.frames),
        (f"best {'improvement' if run.settings.improvement else 'score'}", best.base),
        ("weights", run.settings.blueprint.num_weights),
        ("effective number of parents", last.effective_size),
    )


def _members(run: Stored) -> Iterator[Line]:
    population = run.progress.population
    yield ("", "low", "median", "mean", "high", "std")
    for name, spread in (
        ("score", measures.scores(population)),
        ("genes of a lineage", measures.depths(population)),
        ("strength of new genes", measures.strengths(population)),
        ("rows with a right answer", measures.used_rows(population)),
    ):
        if spread is not None:
            yield (name, *attrs.astuple(spread))


def _weights(run: Stored) -> Iterator[Line]:
    best = lineage_of(max(run.progress.population, key=order))
    state = Nursery(run.settings.blueprint, births=run.births).state(best)
    yield ("", "low", "median", "mean", "high", "std")
    for what, spreads in (("norms", measures.norms(state)), ("rates", measures.rates(state))):
        for tensor, spread in spreads.items():
            yield (f"{what} of {tensor}", *attrs.astuple(spread))


def _operators(run: Stored, effects: Sequence[Effect]) -> Iterator[Line]:
    held = measures.operators(run.progress.population, run.settings.blueprint)
    tried = {effect.operator: effect for effect in effects}
    yield ("operator", "held now", "tried", "better", "equal", "worse", "dead", "mean change")
    for name in dict.fromkeys([*tried, *held]):
        effect = tried.get(name, Effect(name, 0, 0.0, 0.0, 0.0, 0.0, None))
        yield (name, held.get(name, 0), *attrs.astuple(effect)[1:])


def _warnings(course: Sequence[Point]) -> Iterator[str]:
    size = course[-1].effective_size
    if size is not None and size < ENOUGH:
        yield (
            f"the effective number of parents is {size:.1f}; below {ENOUGH} chance decides which "
            "genes spread, so keep more parents where variety matters"
        )


def _rows(kind: type[attrs.AttrsInstance], each: Sequence[attrs.AttrsInstance]) -> tuple[Line, ...]:
    head = tuple(field.name.replace("_", " ") for field in attrs.fields(kind))
    return (head, *map(attrs.astuple, each))
