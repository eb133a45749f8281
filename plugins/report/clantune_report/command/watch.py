"""`clantune watch`: a live view of a run."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from clantune_clan import ClanError
from clantune_report.watch.screen import show_live, show_once

INTERRUPTED = 130


def main(arguments: Sequence[str], program: str) -> int:
    """Show a run that is under way: its round, genes, losses and time left.

    Args:
        arguments: Arguments of the command line, after the name of the command.
        program: Name of the command in its help and errors.

    Returns:
        The exit status: 0 after the end of the run, 2 if there is no run to show, or 130.
    """
    given = _parser(program).parse_args(arguments)
    if not 0.0 < given.interval < math.inf:
        return _refuse(program, "--interval is a number of seconds, more than 0")
    try:
        return _watch(given, program)
    except KeyboardInterrupt:
        return INTERRUPTED


def _watch(given: argparse.Namespace, program: str) -> int:
    console = Console(highlight=False)
    try:
        if given.once or not console.is_terminal or console.is_dumb_terminal:
            show_once(given.run, console)
        else:
            show_live(given.run, console, given.interval)
    except ClanError as error:
        return _refuse(program, str(error))
    return 0


def _refuse(program: str, problem: str) -> int:
    print(f"{program}: {problem}", file=sys.stderr)
    return 2


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Show a run that is under way: its round, genes, losses and time left. The "
        "command reads the file that Clan(history=...) names, and ends with the run. Ctrl-C ends "
        "it earlier. Where the output is not a terminal, it prints one frame.",
    )
    parser.add_argument(
        "run", metavar="RUN", type=Path, help="the file of the run, or a folder with one such file"
    )
    parser.add_argument("--once", action="store_true", help="print one frame and end")
    parser.add_argument(
        "--interval",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="seconds between two frames (default: %(default)s)",
    )
    return parser
