"""A group: values that belong together."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

import attrs

from clantune_store.database.canonical import canonical, id_of
from clantune_store.space.space import Space
from clantune_store.space.suffixes import suffix_of


@attrs.frozen
class Group:
    """A row of the table of groups. Its values never change.

    Attributes:
        number: Number for typing; it may differ in another database.
        id: Id that follows from the values, so that equal values are one group everywhere.
        space: Id of the space of its parameters.
        created: Seconds since 1970.
        origin: How it came here, such as `"load"`.
        values: Values by name, as JSON data.
        labels: Names that users have given it.
    """

    number: int
    id: uuid.UUID
    space: uuid.UUID
    created: float
    origin: str
    values: Mapping[str, Any] = attrs.field(repr=False)
    labels: tuple[str, ...] = ()

    @classmethod
    def of(cls, row: Any, labels: tuple[str, ...]) -> Group:
        """Return the group of a row of the database."""
        values = json.loads(row.parameters)
        return cls(row.number, row.id, row.space, row.created, row.origin, values, labels)

    @classmethod
    def of_values(cls, space: Space) -> Group:
        """Return the group of the values of a space, which is not in a database: number 0."""
        id_ = id_of(canonical(space.values))
        return cls(0, id_, space.id, time.time(), "load", space.values)

    def read(self) -> dict[str, Any]:
        """Return the values as a program gets them, in the types of their suffixes."""
        return {name: suffix_of(name).read(value) for name, value in self.values.items()}
