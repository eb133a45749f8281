"""The verbs of the command, and what it returns."""

from __future__ import annotations

from collections.abc import Sequence

import click

from clantune_store.command.asking import metric, top
from clantune_store.command.breeding import breed
from clantune_store.command.comparing import compare, merge_performers
from clantune_store.command.demonstrating import demo
from clantune_store.command.exporting import export, report
from clantune_store.command.loading import load
from clantune_store.command.merging import import_gf, merge, upgrade
from clantune_store.command.printing import complain
from clantune_store.command.rules import rules
from clantune_store.command.running import auto, work
from clantune_store.command.showing import lineage, runs, show
from clantune_store.command.templates import plot_runs, template_run

INTERRUPTED = 130
MISUSE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def store() -> None:
    """Keep the parameters and results of any program in a database, and ask for the best.

    Every verb takes --db PATH (or the variable CLANTUNE_DB) and --json. Exit status: 0 done, 1 not
    all of it, 2 misuse or an error, 130 interrupted.
    """


for verb in (
    *(load, show, runs, lineage, top, metric, rules, breed, auto, work, demo),
    *(template_run, plot_runs, compare, merge_performers, report, export, merge),
    *(import_gf, upgrade),
):
    store.add_command(verb)


def run(arguments: Sequence[str], program: str) -> int:
    """Run a verb and return the exit status."""
    if not arguments:
        arguments = ["--help"]
    try:
        status = store.main([*arguments], program, standalone_mode=False)
    except click.Abort:
        complain(f"{program}: interrupted")
        return INTERRUPTED
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else program
        complain(f"{path}: {error.format_message()} (`{path} --help` says more)")
        return MISUSE
    return status if isinstance(status, int) else 0
