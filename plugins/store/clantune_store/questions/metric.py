"""What a metric is, and the metrics that a database has a name for."""

from __future__ import annotations

import json

import attrs
import sqlalchemy as sa

from clantune_store.database import Database, tables
from clantune_store.database.canonical import canonical
from clantune_store.database.tables import metrics
from clantune_store.errors import MetricError
from clantune_store.questions.expression import Expression


@attrs.frozen
class Metric:
    """A number that each run has, and which runs count.

    Attributes:
        expression: Name of a reported metric (`algo.name`, or `name` in every algo), or an
            expression over names of one algo, such as `profit / trades`.
        where: Condition over names of the same algo, such as `1 <= trades <= 150`; empty: all.
        lowest: Whether the lowest value is the best one.
    """

    expression: str
    where: str = ""
    lowest: bool = False

    @property
    def document(self) -> str:
        """Canonical JSON of this metric, as databases keep it."""
        return canonical(attrs.asdict(self))

    @classmethod
    def from_document(cls, text: str) -> Metric:
        """Return the metric that a database keeps."""
        return cls(**json.loads(text))


def define_metric(
    database: Database, name: str, expression: str, where: str = "", lowest: bool = False
) -> Metric:
    """Give a metric a name; an earlier meaning of the name is replaced.

    Raises:
        MetricError: The name is empty, or the expression or the condition is not allowed.
    """
    if not name.strip():
        raise MetricError(f"the name of the metric {expression!r} is empty")
    metric = Metric(expression, where, lowest)
    with database.write() as connection:
        if not is_reported(connection, expression):
            Expression.of(expression)
        if where:
            Expression.of(where)
        table = tables.named_metrics
        connection.execute(table.delete().where(table.c.name == name))
        connection.execute(table.insert().values(name=name, document=metric.document))
    return metric


def named_metrics(database: Database) -> list[tuple[str, Metric]]:
    """Return all names and their metrics, sorted. A merge may have left a name with two."""
    table = tables.named_metrics
    query = sa.select(table).order_by(table.c.name, table.c.document)
    with database.read() as connection:
        rows = connection.execute(query).all()
    return [(row.name, Metric.from_document(row.document)) for row in rows]


def metric_of(connection: sa.Connection, text: str) -> Metric:
    """Return the metric that a text names, or is.

    Raises:
        MetricError: The name has two meanings.
    """
    table = tables.named_metrics
    query = sa.select(table.c.document).where(table.c.name == text)
    found = sorted(connection.execute(query).scalars())
    if len(found) > 1:
        raise MetricError(
            f"the metric {text!r} has {len(found)} meanings: {' and '.join(found)}. Define it "
            f"again: `clantune store metric add {text!r} EXPRESSION`"
        )
    return Metric.from_document(found[0]) if found else Metric(text)


def is_reported(connection: sa.Connection, text: str) -> bool:
    """Return whether a run has reported a metric that is called like this."""
    full = metrics.c.algo + "." + metrics.c.name
    known = sa.select(metrics.c.number).where(sa.or_(full == text, metrics.c.name == text))
    return connection.execute(known.limit(1)).scalar() is not None
