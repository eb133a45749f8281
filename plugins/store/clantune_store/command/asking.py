"""The verbs `top` and `metric`."""

from __future__ import annotations

from typing import Any, Literal

import attrs
import click

from clantune_store.command.options import NOT_ALL, Verb, common, opened, unanswered
from clantune_store.command.printing import complain, number, say, say_json, say_table
from clantune_store.errors import MetricError

ROWS, SQL_ROWS = 5, 1000


@click.command(cls=Verb)
@click.argument("metric")
@click.option(
    "-n", type=click.IntRange(min=1), help="Number of rows. [default: 5, with --sql 1000]"
)
@click.option(
    "--where", "condition", default="", metavar="CONDITION", help="As '1 <= trades <= 150'."
)
@click.option("--lowest", is_flag=True, help="The lowest values are the best.")
@click.option("--data", help="Only runs of this data set.")
@click.option("--family", help="Only runs of this family.")
@click.option("--algo", help="Only results of this algo.")
@click.option("--per", type=click.Choice(["dataset", "algo"]), help="The best of each.")
@click.option("--sql", is_flag=True, help="METRIC is a query in SQL; it can change nothing.")
@common
def top(
    metric: str,
    n: int | None,
    condition: str,
    lowest: bool,
    data: str | None,
    family: str | None,
    algo: str | None,
    per: Literal["dataset", "algo"] | None,
    sql: bool,
    db: str | None,
    as_json: bool,
) -> int:
    """Show the best runs by METRIC.

    METRIC is `algo.name`, `name` of every algo, an expression such as `profit / trades`, or a name
    from `metric add`.
    """
    if sql:
        narrowed = [condition, lowest, data, family, algo, per]
        if any(each not in (None, "", False) for each in narrowed):
            raise click.UsageError("with --sql, the query says all; give only -n beside it")
        return _ask_sql(metric, n or SQL_ROWS, db, as_json=as_json)
    store = opened(db)
    given: dict[str, Any] = {"dataset": data, "family": family, "algo": algo, "per": per}
    try:
        found = store.top(metric, n or ROWS, where=condition, lowest=lowest, **given)
    except MetricError as error:
        return unanswered(store, error, metric, condition)
    if as_json:
        rows = [attrs.asdict(row) for row in found]
        say_json({"rows": rows, "left_out": found.left_out})
    elif found:
        say_table(
            ["value", "run", "group", "data", "algo", "family"],
            [
                [number(row.value), row.run, row.group, row.dataset, row.algo, row.family]
                for row in found
            ],
        )
    if found.left_out:
        complain(f"values that are not finite numbers and take no part: {found.left_out}")
    if not found:
        complain(f"no run meets the condition {condition!r}")
    return 0 if found else NOT_ALL


def _ask_sql(text: str, limit: int, db: str | None, *, as_json: bool) -> int:
    columns, rows = opened(db).sql(text, limit)
    if as_json:
        say_json({"columns": [*columns], "rows": [[*row] for row in rows]})
    elif columns:
        say_table(columns, rows)
    return 0


@click.group(no_args_is_help=False)
def metric() -> None:
    """Name metrics, and list their names."""


@metric.command(cls=Verb)
@click.argument("name")
@click.argument("expression")
@click.option("--where", "condition", default="", metavar="CONDITION", help="Runs that count.")
@click.option("--lowest", is_flag=True, help="The lowest values are the best.")
@common
def add(
    name: str, expression: str, condition: str, lowest: bool, db: str | None, as_json: bool
) -> int:
    """Give an expression a name, as `metric add "per trade" "profit / trades"`."""
    opened(db).define_metric(name, expression, where=condition, lowest=lowest)
    if as_json:
        said = {"name": name, "expression": expression, "where": condition, "lowest": lowest}
        say_json(said)
    else:
        say(f"the metric {name!r} is {expression}")
    return 0


@metric.command(name="list", cls=Verb)
@common
def list_(db: str | None, as_json: bool) -> int:
    """List named metrics."""
    from clantune_store.questions.metric import named_metrics  # noqa: PLC0415  (SQLAlchemy)

    found = named_metrics(opened(db).database)
    if as_json:
        say_json([{"name": name, **attrs.asdict(each)} for name, each in found])
        return 0
    say_table(
        ["name", "expression", "where", "best"],
        [
            [name, each.expression, each.where, "lowest" if each.lowest else "highest"]
            for name, each in found
        ],
    )
    return 0
