"""The tables of a store. A change of them needs a step in `upgrading`."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Float, ForeignKey, Integer, Text

VERSION = 1
"""Version of the tables that this release makes."""

READABLE_BY = 1
"""Oldest version of a release, in the same count, that can read and write these tables."""

METADATA = sa.MetaData()

NUMBER = sa.BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts only its own integers
ID = sa.Uuid()


def _numbered(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    """Return a table whose rows have a local number, which differs between databases."""
    return sa.Table(name, METADATA, Column("number", NUMBER, primary_key=True), *columns)


def _number_of(table: str, *, column: str, null: bool = False) -> Column[int]:
    return Column(column, NUMBER, ForeignKey(f"{table}.number"), nullable=null)


store = sa.Table(
    "store",
    METADATA,
    Column("version", Integer, nullable=False),
    Column("readable_by", Integer, nullable=False),
    Column("created", Float, nullable=False),
)

spaces = sa.Table(
    "spaces",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("created", Float, nullable=False),
    Column("document", Text, nullable=False),
)

groups = _numbered(
    "groups",
    Column("id", ID, nullable=False, unique=True),
    Column("space", ID, ForeignKey("spaces.id"), nullable=False),
    Column("created", Float, nullable=False),
    Column("origin", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("learned", Text),
)

labels = sa.Table(
    "labels",
    METADATA,
    Column("label", Text, primary_key=True),
    Column("group", NUMBER, ForeignKey("groups.number"), primary_key=True),
)
"""A merge may give one label to two groups; loading never does."""

parents = sa.Table(
    "parents",
    METADATA,
    Column("child", ID, primary_key=True),
    Column("parent", ID, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("weight", Float, nullable=False),
    Column("run", ID),
    sa.Index("parents_parent", "parent"),
)

datasets = _numbered("datasets", Column("name", Text, nullable=False, unique=True))

metrics = _numbered(
    "metrics",
    Column("algo", Text, nullable=False),
    Column("name", Text, nullable=False),
    sa.UniqueConstraint("algo", "name"),
)

machines = _numbered("machines", Column("facts", Text, nullable=False, unique=True))

campaigns = _numbered(
    "campaigns",
    Column("id", ID, nullable=False, unique=True),
    Column("created", Float, nullable=False),
    Column("command", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("round", Integer, nullable=False),
)

runs = _numbered(
    "runs",
    Column("id", ID, nullable=False, unique=True),
    _number_of("groups", column="group"),
    _number_of("datasets", column="dataset"),
    Column("family", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    _number_of("campaigns", column="campaign", null=True),
    Column("queued", Float),
    Column("started", Float),
    Column("heartbeat", Float),
    Column("stopped", Float),
    _number_of("machines", column="machine", null=True),
    Column("process", Text),
    Column("note", Text),
    sa.Index("runs_group", "group", "dataset"),
    sa.Index("runs_state", "state", "number"),
)

measurements = sa.Table(
    "measurements",
    METADATA,
    Column("metric", NUMBER, ForeignKey("metrics.number"), primary_key=True),
    Column("run", NUMBER, ForeignKey("runs.number"), primary_key=True),
    _number_of("datasets", column="dataset"),
    Column("value", Float),
    Column("other", Text),
    sa.Index("measurements_best", "metric", "dataset", "value"),
    sa.Index("measurements_run", "run"),
    sqlite_with_rowid=False,
)
"""Only runs that have ended well have rows here, so no question needs the state of a run.

The value is None for what is not a finite number, which `other` has as JSON.
"""

named_metrics = sa.Table(
    "named_metrics",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("document", Text, primary_key=True),
)

PARAMETERS = (
    'CREATE VIEW parameters AS SELECT groups.number AS "group", each.key AS name, '
    "each.value AS value FROM groups, {json} AS each"
)
JSON = {
    "sqlite": "json_each(groups.parameters)",
    "postgresql": "jsonb_each(groups.parameters::jsonb)",
}
RESULTS = (
    "CREATE VIEW results AS SELECT measurements.run AS run, metrics.algo AS algo, "
    "metrics.name AS name, measurements.value AS value FROM measurements "
    "JOIN metrics ON metrics.number = measurements.metric"
)
"""Views for people who write SQL. `--sql` of the command is where they are used."""


def make(connection: sa.Connection, now: float) -> None:
    """Make all tables and views of an empty database, in the transaction of the caller."""
    METADATA.create_all(connection)
    connection.exec_driver_sql(PARAMETERS.format(json=JSON[connection.dialect.name]))
    connection.exec_driver_sql(RESULTS)
    connection.execute(store.insert().values(version=VERSION, readable_by=READABLE_BY, created=now))
