"""Which groups break which rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from clantune_store.database import Database
from clantune_store.database.canonical import canonical
from clantune_store.groups.finding import newest_space
from clantune_store.groups.group import Group


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


def broken_rules(database: Database, groups: Iterable[Group]) -> list[Broken]:
    """Return the rules of the newest space that groups break."""
    with database.read() as connection:
        space = newest_space(connection)
    found = []
    for group in groups:
        values = {**space.values, **group.values}
        for rule in space.rules:
            own = {name: values[name] for name in rule.names}
            if not rule.holds(own):
                found.append(Broken(group.number, str(rule), own))
    return found
