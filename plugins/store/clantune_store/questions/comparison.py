"""Several databases side by side: what a comparison of them finds."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Literal

import attrs

Order = Literal["highest", "lowest"]


@attrs.frozen
class Best:
    """The best value that a database has for a metric.

    Attributes:
        database: Name of the database, as the caller calls it.
        value: Value.
        run: Number of the run in this database.
        group: Number of its group in this database.
        dataset: Name of its data set.
    """

    database: str
    value: float
    run: int
    group: int
    dataset: str


@attrs.frozen
class Line:
    """A metric, and its best value in each database that has one.

    Attributes:
        algo: Algo.
        name: Name of the metric in it.
        order: Whether the best are the highest or the lowest values.
        best: Best value of each database, in the order of the databases.
    """

    algo: str
    name: str
    order: Order
    best: tuple[Best, ...]


@attrs.frozen
class Compared:
    """A group whose values are compared.

    Attributes:
        database: Name of its database.
        group: Number in it.
        id: Id, which is the same in all databases.
        values: Values, in a comparison those of the parameters that differ.
    """

    database: str
    group: int
    id: uuid.UUID
    values: Mapping[str, Any]


@attrs.frozen
class Comparison:
    """What several databases have in common, and what not.

    Attributes:
        databases: Names of the databases.
        lines: Best values by algo and metric.
        groups: Compared groups.
        parameters: Names of the parameters in which they differ.
    """

    databases: tuple[str, ...]
    lines: tuple[Line, ...]
    groups: tuple[Compared, ...]
    parameters: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        """Return all of it as JSON data."""
        return {
            "databases": [*self.databases],
            "lines": [attrs.asdict(line) for line in self.lines],
            "groups": [attrs.asdict(group) | {"id": str(group.id)} for group in self.groups],
            "parameters": [*self.parameters],
        }
