"""The verbs `compare` and `merge-performers`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clantune_store.command.options import Verb, common, opened, unanswered
from clantune_store.command.printing import number, say, say_json, say_table
from clantune_store.environment import variable
from clantune_store.errors import MetricError, StoreError

if TYPE_CHECKING:
    from clantune_store.groups.store import Store
    from clantune_store.questions.comparison import Best, Comparison

FILE = click.Path(dir_okay=False)


@click.command(cls=Verb)
@click.argument("databases", nargs=-1, metavar="DB...")
@click.option("--groups", metavar="GROUP,GROUP", help="Only these groups: numbers or labels.")
@click.option("--html", type=FILE, help="Write a page to this file.")
@common
def compare(
    databases: Sequence[str],
    groups: str | None,
    html: str | None,
    db: str | None,
    as_json: bool,
) -> int:
    """Compare the best results of databases, and the groups behind them.

    A single DB is compared with that of --db or CLANTUNE_DB, if they name one.
    """
    from clantune_store.questions.compare import compare as ask  # noqa: PLC0415  (SQLAlchemy)
    from clantune_store.questions.page import html as page  # noqa: PLC0415

    other = db if db is not None else variable("DB") if len(databases) < 2 else None
    names = [*dict.fromkeys([*([other] if other is not None else []), *databases])]
    if not names:
        raise click.UsageError("give a DB to compare, or two")
    wanted = None if groups is None else [each.strip() for each in groups.split(",")]
    found = ask({_shown(name): opened(name).database for name in names}, wanted)
    if html is not None:
        Path(html).write_text(page(found), "utf-8")
    if as_json:
        say_json(found.as_data())
    else:
        _say(found)
    return 0


@click.command(name="merge-performers", cls=Verb)
@click.argument("mapping", metavar="MAP", type=click.Path(dir_okay=False, exists=True))
@click.argument("data", nargs=-1, metavar="[DATA...]")
@click.option("--metric", required=True, metavar="NAME", help="Metric that each algo reports.")
@click.option(
    "--topN",
    "top",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Groups an algo.",
)
@click.option("--lowest", is_flag=True, help="The lowest values are the best.")
@click.option("-o", "output", type=FILE, help="File to write, which `load` reads.")
@common
def merge_performers(
    mapping: str,
    data: Sequence[str],
    metric: str,
    top: int,
    lowest: bool,
    output: str | None,
    db: str | None,
    as_json: bool,
) -> int:
    """Merge the values of the groups that are the best in each algo.

    MAP is a file of JSON: the full names of parameters by algo, as {"co2": ["band__high"]}.
    """
    from clantune_store.questions import performers  # noqa: PLC0415  (SQLAlchemy is slow)

    by_algo = _mapping(mapping)
    store = opened(db)
    try:
        values = performers.merge_performers(
            store.database, by_algo, metric, datasets=data, top=top, lowest=lowest
        )
    except MetricError as error:
        return unanswered(store, error, metric)
    if as_json:
        say_json(values)
    loadable = _loadable(store, values)
    lines = [
        f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in loadable.items()
    ]
    if output is not None:
        Path(output).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    elif not as_json:
        for line in lines:
            say(line)
    return 0


def _mapping(path: str) -> Mapping[str, Sequence[str]]:
    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise StoreError(f"{path} is not JSON: {error}") from None
    if not isinstance(found, dict) or not all(
        isinstance(names, list) and all(isinstance(name, str) for name in names)
        for names in found.values()
    ):
        raise StoreError(
            f'{path}: give the names of parameters by algo, such as {{"co2": ["band__high"]}}'
        )
    return found


def _loadable(store: Store, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as a file declares them: a choice is a list, and its head is chosen."""
    from clantune_store.space.suffixes import suffix_of  # noqa: PLC0415  (SQLAlchemy is slow)

    found = dict(values)
    choices = [name for name in values if suffix_of(name).text == "_choice"]
    if not choices:
        return found
    parameters = store.space(store.groups()[-1].number).parameters
    for name in choices:
        if name in parameters:
            options = [json.loads(text) for text in parameters[name].domain or ()]
            others = [option for option in options if option != values[name]]
            found[name] = [values[name], *others]
    return found


def _say(found: Comparison) -> None:
    say_table(
        ["metric", "best", *found.databases],
        [
            [
                f"{line.algo}.{line.name}".lstrip("."),
                line.order,
                *(
                    _best({each.database: each for each in line.best}, name)
                    for name in found.databases
                ),
            ]
            for line in found.lines
        ],
    )
    if found.parameters:
        say("")
        say_table(
            ["parameter", *(f"{group.database} {group.group}" for group in found.groups)],
            [
                [
                    name,
                    *(
                        json.dumps(group.values[name], ensure_ascii=False)
                        if name in group.values
                        else ""
                        for group in found.groups
                    ),
                ]
                for name in found.parameters
            ],
        )


def _best(by_database: Mapping[str, Best], name: str) -> str:
    best = by_database.get(name)
    return "" if best is None else f"{number(best.value)} (run {best.run}, group {best.group})"


def _shown(where: str) -> str:
    """Return an address without its password."""
    from clantune_store.database.address import Address  # noqa: PLC0415  (SQLAlchemy is slow)

    return Address.of(where).shown
