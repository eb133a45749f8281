"""Who a group descends from, and who descends from it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Literal

import attrs
import sqlalchemy as sa

from clantune_store.database.tables import groups, parents

AT_ONCE = 500
"""Groups that one query asks for; databases limit the number of values."""


@attrs.frozen
class Parent:
    """One parent of one group.

    Attributes:
        child: Number of the group.
        parent: Number of its parent; None if that one is not in this database.
        part: Tag of the parameters that come from this parent; empty for all.
        weight: Share of the parent.
        run: Id of the run that justified the choice, or None.
    """

    child: int | None
    parent: int | None
    part: str
    weight: float
    run: uuid.UUID | None = None


def lineage(
    connection: sa.Connection, group: uuid.UUID, direction: Literal["up", "down"]
) -> list[Parent]:
    """Return the pairs of child and parent above or below a group, nearest generation first."""
    here, there = (
        (parents.c.child, parents.c.parent)
        if direction == "up"
        else (parents.c.parent, parents.c.child)
    )
    seen, generation, pairs = {group}, [group], []
    while generation:
        rows = [
            row
            for begin in range(0, len(generation), AT_ONCE)
            for row in connection.execute(
                sa.select(parents)
                .where(here.in_(generation[begin : begin + AT_ONCE]))
                .order_by(parents.c.child, parents.c.part, parents.c.weight.desc())
            )
        ]
        pairs += rows
        found = {getattr(row, there.name): None for row in rows}
        generation = [each for each in found if each not in seen]
        seen.update(generation)
    numbers = _numbers(connection, {each for row in pairs for each in (row.child, row.parent)})
    return [
        Parent(numbers.get(row.child), numbers.get(row.parent), row.part, row.weight, row.run)
        for row in pairs
    ]


def dot(pairs: Iterable[Parent]) -> str:
    """Return a family tree in the language of Graphviz."""
    lines = ["digraph lineage {", "  node [shape=box];"]
    for pair in pairs:
        part = pair.part.replace("\\", "\\\\").replace('"', '\\"')
        label = f"{part} {pair.weight:.2g}".strip()
        lines.append(f'  "{_shown(pair.parent)}" -> "{_shown(pair.child)}" [label="{label}"];')
    return "\n".join([*lines, "}"])


def _shown(number: int | None) -> str:
    return "elsewhere" if number is None else str(number)


def _numbers(connection: sa.Connection, ids: set[uuid.UUID]) -> dict[uuid.UUID, int]:
    ordered, found = [*ids], {}
    for begin in range(0, len(ordered), AT_ONCE):
        some = groups.c.id.in_(ordered[begin : begin + AT_ONCE])
        for row in connection.execute(sa.select(groups.c.id, groups.c.number).where(some)):
            found[row.id] = row.number
    return found
