"""Running the sub-command that a command line names. The help imports no plugin."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import clantune_core
from clantune_core.command.groups import COMMANDS
from clantune_core.command.summary import summary
from clantune_core.errors import PluginError
from clantune_core.tables import table

PROGRAM = "clantune"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Args:
        arguments: Arguments of the command line; None for those of this process.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        run = COMMANDS.find(given.command).load()
    except PluginError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    try:
        status: int = run(given.arguments, f"{PROGRAM} {given.command}")
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"{PROGRAM} {given.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        usage="%(prog)s [-h] [--version] COMMAND ...",
        description="Hyperparameter schedules found during one distributed training run.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=clantune_core.__version__)
    parser.add_argument("command", nargs="?", metavar="COMMAND", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


class _Parser(argparse.ArgumentParser):
    """Looks up the commands only for its help."""

    def format_help(self) -> str:
        rows = [(f"  {command.name}", summary(command)) for command in COMMANDS.installed()]
        self.epilog = (
            f"{table(('commands:', ''), rows, '')}\n\n"
            f"`{PROGRAM} COMMAND --help` says more about a command."
        )
        return super().format_help()
