"""The verbs `template-run` and `plot-runs`: command lines for `sh`, `xargs` or `parallel`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from clantune_store.command.options import Verb, common, opened
from clantune_store.command.printing import say_json


@click.command(name="template-run", cls=Verb)
@click.argument("command")
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@click.option("--group", help="Only this group: a number, a label, or the beginning of an id.")
@common
def template_run(
    command: str, data: Sequence[str], group: str | None, db: str | None, as_json: bool
) -> int:
    """Print a line for each group and each data set that runs COMMAND on it.

    `{}` in COMMAND stands for the data set. The lines are for `sh`, for `parallel`, and for GNU
    `xargs` as in `xargs -d NEWLINE -P 8 -I+ sh -c +`. Their variables say where results belong.
    """
    from clantune_store.runs.lines import template_lines  # noqa: PLC0415  (SQLAlchemy is slow)

    store = opened(db)
    number = None if group is None else store.group(group).number
    _say(template_lines(store.database, command, data, number), as_json=as_json)
    return 0


@click.command(name="plot-runs", cls=Verb)
@click.argument("command")
@click.argument("runs", nargs=-1, required=True, type=int, metavar="RUN...")
@common
def plot_runs(command: str, runs: Sequence[int], db: str | None, as_json: bool) -> int:
    """Print a line for each RUN that runs its group with COMMAND once more, as to plot it.

    `{}` in COMMAND stands for the data set of the run. Results of such a run belong to no data set.
    """
    from clantune_store.runs.lines import again_lines  # noqa: PLC0415  (SQLAlchemy is slow)

    _say(again_lines(opened(db).database, command, runs), as_json=as_json)
    return 0


def _say(lines: Iterable[str], *, as_json: bool) -> None:
    """Print lines as they are: a shell reads them."""
    found = [*lines]
    if as_json:
        say_json(found)
        return
    for line in found:
        click.echo(line)
