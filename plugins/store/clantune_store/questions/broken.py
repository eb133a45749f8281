"""Which groups break which rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import sqlalchemy as sa

from clantune_store.database import Database
from clantune_store.database.canonical import canonical
from clantune_store.database.tables import groups, spaces
from clantune_store.groups.finding import newest_space
from clantune_store.groups.group import Group
from clantune_store.space.rules import Rule


@attrs.frozen
class Broken:
    """A rule that a group breaks.

    Attributes:
        group: Number of the group.
        rule: The rule in its own words.
        values: Values of the parameters that it names, by full name.
    """

    group: int
    rule: str
    values: Mapping[str, Any] = attrs.field(hash=False)

    @property
    def shown(self) -> str:
        """The values as a text."""
        pairs = self.values.items()
        return ", ".join(f"{name.replace('__', '.')} = {canonical(v)}" for name, v in pairs)


def broken_rules(database: Database, asked: Iterable[Group]) -> list[Broken]:
    """Return the rules of the newest space that groups break."""
    with database.read() as connection:
        space = newest_space(connection)
    found = []
    for group in asked:
        values = {**space.values, **group.values}
        for rule in space.rules:
            own = {name: values[name] for name in rule.names}
            if not rule.holds(own):
                found.append(Broken(group.number, str(rule), own))
    return found


def count_broken(connection: sa.Connection) -> int:
    """Return how many groups break a rule of the space that they were made in."""
    count = 0
    for space in connection.execute(sa.select(spaces.c.id, spaces.c.document)).all():
        rules = [Rule(**rule) for rule in json.loads(space.document).get("rules", ())]
        if rules:
            own = sa.select(groups.c.parameters).where(groups.c.space == space.id)
            every = map(json.loads, connection.execute(own).scalars())
            count += sum(not all(_keeps(values, rule) for rule in rules) for values in every)
    return count


def _keeps(values: Mapping[str, Any], rule: Rule) -> bool:
    """Whether values keep a rule; they break one about parameters that they do not have."""
    return {*rule.names} <= values.keys() and rule.holds(values)
