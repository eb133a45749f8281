"""The verb `breed`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click

from clantune_store.command.groups import as_data
from clantune_store.command.options import NOT_ALL, Verb, common, opened, unanswered
from clantune_store.command.printing import complain, number, say, say_json, say_table
from clantune_store.errors import MetricError

if TYPE_CHECKING:
    from clantune_store.breeding.methods import Bred

F = TypeVar("F", bound=Callable[..., Any])

COMPARED = 6
"""Groups whose pairs are counted for the number of children, if nothing else is said."""


def breeding_options(function: F) -> F:
    """Add the options of breeding. Their names are the arguments of `Store.breed`."""
    count = click.IntRange(min=1)
    every: dict[str, Any] = {"multiple": True, "metavar": "TEXT"}
    options = [
        click.option(
            "--top",
            "--topN",
            "top",
            type=count,
            default=2,
            show_default=True,
            help="Breed from this many of the best groups of each data set.",
        ),
        click.option("--children", type=count, help="Number of new groups. [default: 15]"),
        click.option(
            "--maxCompare",
            "compared",
            type=click.IntRange(min=2),
            metavar="N",
            help="Number of new groups as the pairs of N: 15 for 6.",
        ),
        click.option("--seed", type=int, help="Number that all random choices follow from."),
        click.option(
            "--strategy",
            "strategies",
            multiple=True,
            metavar="NAME:key=value",
            help="A strategy; give it again for the next one of the list. Or `seed`, the rule of "
            "the older program.",
        ),
        click.option("--recipe", metavar="NAME", help="A recipe of strategies."),
        click.option("--evolution", metavar="FILE", help="Strategies that were saved in JSON."),
        click.option("--parts", is_flag=True, help="Breed what belongs to an algo by its results."),
        click.option("--where", default="", metavar="CONDITION", help="Runs that count."),
        click.option("--lowest", is_flag=True, help="The lowest values are the best."),
        click.option("--family", "families", help="Only runs of this family.", **every),
        click.option(
            "--limitDatasetsAllow", "allow", help="Only data sets with TEXT in the name.", **every
        ),
        click.option(
            "--limitDatasetsDeny", "deny", help="No data set with TEXT in the name.", **every
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@click.command(cls=Verb)
@click.argument("metric")
@breeding_options
@click.option("--dry-run", is_flag=True, help="Breed, and write nothing.")
@common
def breed(
    metric: str,
    children: int | None,
    compared: int | None,
    dry_run: bool,
    db: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Breed new groups of values from the best ones by METRIC.

    METRIC is as for `top`. Exit status 1: fewer new groups than asked for, or no result to breed
    from.
    """
    store = opened(db)
    try:
        bred = store.breed(
            metric, children=count_of(children, compared), dry_run=dry_run, **options
        )
    except MetricError as error:
        return unanswered(store, error, metric, options["where"])
    (_say_json if as_json else _say)(bred, dry_run)
    _complain(bred)
    return 0 if len(bred) == bred.asked else NOT_ALL


def count_of(children: int | None, compared: int | None) -> int:
    """Return the number of new groups: as given, or the number of pairs of some groups.

    Raises:
        UsageError: Both are given.
    """
    if children is not None and compared is not None:
        raise click.UsageError("--children and --maxCompare are given: choose one of them")
    if children is not None:
        return children
    of = COMPARED if compared is None else compared
    return of * (of - 1) // 2


def _say(bred: Bred, dry_run: bool) -> None:
    if bred:
        say_table(
            ["group", "id", "parents"],
            [
                ["" if dry_run else group.number, str(group.id)[:8], _parents(bred, place)]
                for place, group in enumerate(bred)
            ],
        )
    written = "; nothing is written" if dry_run else ""
    say(f"{bred.asked} asked, {len(bred)} new; seed {bred.seed}{written}")


def _parents(bred: Bred, place: int) -> str:
    numbers = {each.group.id: each.group.number for each in bred.plan.population}
    return ", ".join(
        " ".join(
            filter(
                None,
                (each.part, str(numbers.get(each.parent, each.parent)), number(each.weight)),
            )
        )
        for each in bred.parents[place]
    )


def _say_json(bred: Bred, dry_run: bool) -> None:
    say_json(
        {
            "asked": bred.asked,
            "new": len(bred),
            "seed": bred.seed,
            "written": not dry_run,
            "clipped": bred.clipped,
            "added": bred.plan.added,
            "removed": bred.plan.removed,
            "groups": [
                {**as_data(group), "parents": [attrs.asdict(each) for each in parents]}
                for group, parents in zip(bred, bred.parents, strict=True)
            ],
        }
    )


def _complain(bred: Bred) -> None:
    """Say which values of the best groups do not fit the newest space."""
    for what, names in (
        ("are new and have the value of the last load", bred.plan.added),
        ("are in the last load no more", bred.plan.removed),
        ("were outside their domain and are clipped", [*bred.clipped]),
    ):
        if names:
            complain(f"parameters that {what}: {_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{', '.join(names[:5])}{more}"
