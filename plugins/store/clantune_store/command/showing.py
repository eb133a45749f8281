"""The verbs `show`, `runs` and `lineage`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import click

from clantune_store.command.groups import as_data, say_groups, say_values
from clantune_store.command.options import Verb, common, opened
from clantune_store.command.printing import moment, number, say, say_json, say_table

if TYPE_CHECKING:
    from clantune_store.runs.listing import Run

STATES = ("queued", "running", "ok", "failed", "stale")
SOME = 3
"""Results of a run that its line has."""


@click.command(cls=Verb)
@click.argument("groups", nargs=-1, metavar="[GROUP...]")
@common
def show(groups: Sequence[str], db: str | None, as_json: bool) -> int:
    """Show all groups, or the values of some.

    GROUP is a number, a label, or the beginning of an id.
    """
    store = opened(db)
    found = [store.group(group) for group in groups] if groups else store.groups()
    if as_json:
        say_json([as_data(group) for group in found])
    elif groups:
        say_values(found)
    else:
        say_groups(found)
    return 0


@click.command(cls=Verb)
@click.option("--state", type=click.Choice(STATES), help="Only runs in this state.")
@click.option("--data", metavar="DATA", help="Only runs of this data set.")
@click.option("--stale", is_flag=True, help="First mark runs whose process has died as stale.")
@common
def runs(state: str | None, data: str | None, stale: bool, db: str | None, as_json: bool) -> int:
    """List runs, with what they have reported."""
    store = opened(db)
    marked = store.mark_stale() if stale else 0
    found = store.runs(state=state, dataset=data)
    if as_json:
        say_json([{**attrs.asdict(run), "id": str(run.id)} for run in found])
        return 0
    say_table(
        ["run", "group", "data", "family", "state", "started", "seconds", "results", "note"],
        map(_line, found),
    )
    if stale:
        say(f"runs marked as stale now: {marked}")
    return 0


@click.command(cls=Verb)
@click.argument("group")
@click.option("--up", is_flag=True, help="Only ancestors.")
@click.option("--down", is_flag=True, help="Only descendants.")
@click.option("--dot", is_flag=True, help="Print all of it in the language of Graphviz.")
@common
def lineage(group: str, up: bool, down: bool, dot: bool, db: str | None, as_json: bool) -> int:
    """Show who a group descends from, and who descends from it."""
    store = opened(db)
    if dot:
        for line in store.dot(group).split("\n"):
            say(line)
        return 0
    both = up == down
    found = [
        (direction, pair)
        for direction, wanted, pairs in (
            ("up", up or both, store.ancestors),
            ("down", down or both, store.descendants),
        )
        if wanted
        for pair in pairs(group)
    ]
    if as_json:
        say_json([{"direction": direction, **attrs.asdict(pair)} for direction, pair in found])
        return 0
    if not found:
        say(f"group {group} has no parents and no children here")
        return 0
    say_table(
        ["direction", "child", "parent", "part", "weight", "run"],
        [
            [
                *(direction, pair.child, "elsewhere" if pair.parent is None else pair.parent),
                *(pair.part, number(pair.weight), pair.run),
            ]
            for direction, pair in found
        ],
    )
    return 0


def _line(run: Run) -> list[Any]:
    took = None
    if run.started is not None and run.stopped is not None:
        took = number(run.stopped - run.started)
    return [
        *(run.number, run.group, run.dataset, run.family, run.state),
        *(moment(run.started), took, _results(run), _note(run)),
    ]


def _results(run: Run) -> str:
    flat = [
        f"{algo}.{name}={number(value)}".lstrip(".")
        for algo, below in run.results.items()
        for name, value in below.items()
    ]
    more = [f"and {len(flat) - SOME} more"] if len(flat) > SOME else []
    return ", ".join([*flat[:SOME], *more])


def _note(run: Run) -> str:
    """Return the last line of an error."""
    lines = str(run.note.get("error", "")).strip().splitlines()
    return lines[-1] if lines else ""
