"""Breeding: new groups of values, all distinct, that keep the rules of their space."""

from __future__ import annotations

import os
import secrets
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_core import Evolution
from clantune_store.breeding.asked import Asked
from clantune_store.breeding.breeder import Breeder, Child, Graded, Setting
from clantune_store.breeding.choosing import Strategy, breeder_of
from clantune_store.breeding.parts import in_parts
from clantune_store.breeding.population import graded
from clantune_store.database import Database
from clantune_store.database.names import insert
from clantune_store.database.tables import groups, parents
from clantune_store.errors import StoreError
from clantune_store.groups.adding import add_group
from clantune_store.groups.finding import newest_space
from clantune_store.space.mending import Mender
from clantune_store.space.space import Fitted, Space

ORIGIN = "breed"
"""Origin of groups that are bred."""

REDRAWS = 8
"""Times that a child is bred again because it breaks a rule, before its values are mended."""

REPEATS = 20
"""Times that a child is bred again because there is such a group already."""

SEEDS = 2**31
"""Seeds are below this number."""


@attrs.frozen
class Plan:
    """Children that have been bred, and are not in the database yet.

    Attributes:
        space: Space of the children.
        children: Children, all distinct and new, and keeping the rules.
        asked: Number of children that were asked for.
        seed: Number from which every random choice followed.
        population: Groups they descend from, the best one first.
        added: Parameters that some of these groups had no value for.
        removed: Parameters of some of these groups that the space does not have.
        clipped: Parameters whose value was outside its domain in some of these groups, and in how
            many.
    """

    space: Space
    children: tuple[Child, ...]
    asked: int
    seed: int
    population: tuple[Graded, ...]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    clipped: dict[str, int] = attrs.field(factory=dict, hash=False)


def plan(
    database: Database,
    metric: str,
    *,
    top: int = 2,
    children: int = 15,
    seed: int | None = None,
    where: str = "",
    lowest: bool = False,
    families: Sequence[str] = (),
    allow: Sequence[str] = (),
    deny: Sequence[str] = (),
    parts: bool = False,
    strategies: Sequence[Strategy] = (),
    recipe: str | None = None,
    evolution: str | os.PathLike[str] | Evolution | None = None,
    progress: float | None = None,
) -> Plan:
    """Breed children of the best groups, and write nothing.

    Args:
        database: Database to read.
        metric: Metric, as `Store.top` takes it.
        top: Take this many of the best groups of each data set.
        children: Number of children.
        seed: Number from which every random choice follows; None draws one.
        where: Condition for the runs that count.
        lowest: Whether the lowest value is the best.
        families: Only runs of these families; empty: all.
        allow: Only data sets with one of these texts in their name; empty: all.
        deny: No data set with one of these texts in its name.
        parts: Whether the parameters of each inner algo are bred by its own results.
        strategies: Strategies, or texts `NAME:key=value,key=value`.
        recipe: Name of a recipe.
        evolution: Evolution of the core, or a file with one in JSON.
        progress: Fraction of the search that is done, from 0 to 1, for strategies that anneal;
            None: not known, and moves keep their size.

    Raises:
        MetricError: No group has a value.
        RuleError: None of the best groups keeps a rule.
    """
    _require_counts(top, children)
    seed = secrets.randbelow(SEEDS) if seed is None else _checked_seed(seed)
    make = breeder_of(strategies, recipe, evolution)
    asked = Asked(metric, where, lowest, tuple(families), tuple(allow), tuple(deny))
    with database.read() as connection:
        population = graded(connection, asked, top)
        space = newest_space(connection)
    fitted = {each.group.id: space.fit(each.group.values) for each in population}
    mender = Mender.of(space, {id_: each.values for id_, each in fitted.items()})
    setting = Setting(database, space, tuple(population), asked, seed, progress)
    breeder = in_parts(make, top)(setting) if parts else make(setting)
    with database.read() as connection:
        made = _children(connection, breeder, mender, children)
    return Plan(space, made, children, seed, tuple(population), **_changes(fitted.values()))


def add(connection: sa.Connection, plan: Plan) -> list[int]:
    """Add the children of a plan, in the transaction of the caller; return their numbers."""
    numbers = []
    rows = []
    for child in plan.children:
        number, _ = add_group(
            connection, child.values, plan.space, origin=ORIGIN, learned=child.learned
        )
        numbers.append(number)
        rows += [{"child": child.id, **attrs.asdict(each)} for each in child.parents]
    if rows:
        connection.execute(insert(connection, parents), rows)
    return numbers


def breed(database: Database, metric: str, **options: Any) -> tuple[Plan, list[int]]:
    """Breed children and add them; return also their numbers. Arguments as in `plan`."""
    made = plan(database, metric, **options)
    with database.write() as connection:
        return made, add(connection, made)


def _children(
    connection: sa.Connection, breeder: Breeder, mender: Mender, count: int
) -> tuple[Child, ...]:
    made: dict[uuid.UUID, Child] = {}
    for number in range(count):
        child = _child(connection, breeder, mender, number, made)
        if child is not None:
            made[child.id] = child
    return tuple(made.values())


def _child(
    connection: sa.Connection,
    breeder: Breeder,
    mender: Mender,
    number: int,
    made: Mapping[uuid.UUID, Child],
) -> Child | None:
    """Return a child that keeps the rules and is not known; None if that fails too often."""
    broken = repeats = 0
    while repeats <= REPEATS:
        child = breeder.child(number, broken + repeats)
        values = mender.assign(child.values)
        if not mender.keeps(values):
            broken += 1
            if broken <= REDRAWS:
                continue
            ordered = sorted(child.parents, key=lambda each: -each.weight)
            values = mender.mend(values, [each.parent for each in ordered])
        child = attrs.evolve(child, values=values)
        if child.id not in made and not _is_known(connection, child.id):
            return child
        repeats += 1
    return None


def _is_known(connection: sa.Connection, id_: uuid.UUID) -> bool:
    return (
        connection.execute(sa.select(groups.c.number).where(groups.c.id == id_)).first() is not None
    )


def _changes(fitted: Iterable[Fitted]) -> dict[str, Any]:
    """Return which values of the population do not fit the space."""
    every = [*fitted]
    clipped = Counter(name for each in every for name in each.clipped)
    return {
        "added": tuple(sorted({name for each in every for name in each.added})),
        "removed": tuple(sorted({name for each in every for name in each.removed})),
        "clipped": dict(sorted(clipped.items())),
    }


def _require_counts(top: int, children: int) -> None:
    for name, count in (("top", top), ("children", children)):
        if count < 1:
            raise StoreError(f"{name} is {count}; it must be 1 or more")


def _checked_seed(seed: int) -> int:
    if not 0 <= seed < SEEDS:
        raise StoreError(f"the seed is {seed}; it must be from 0 to {SEEDS - 1}")
    return seed
