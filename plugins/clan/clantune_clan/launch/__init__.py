"""`clantune launch`: several processes of this machine, each a member of a clan."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str], program: str) -> int:
    """Run a script as a clan: several processes of this machine, each a member.

    Args:
        arguments: Arguments of the command line, after the name of the command.
        program: Name of the command in its help and errors.

    Returns:
        The exit status: 0, that of the process which failed first, or 128 plus a signal.
    """
    given = _parser(program).parse_args(arguments)
    problem = _problem(given)
    if problem is not None:
        print(f"{program}: {problem}", file=sys.stderr)
        return 2
    from clantune_clan.launch.agent import run  # noqa: PLC0415  (torch takes seconds)

    return run(given.members, given.max_restarts, [str(given.script), *given.arguments], program)


def _problem(given: argparse.Namespace) -> str | None:
    if given.members < 1:
        return "-n is a number of processes, 1 or more"
    if given.max_restarts < 0:
        return "--max-restarts is a number of restarts, 0 or more"
    if not given.script.is_file():
        return f"there is no script {given.script}"
    return None


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Run a script as a clan: several processes of this machine, each a member. It "
        "does what torchrun --standalone --nproc-per-node=MEMBERS SCRIPT ... does, but its "
        "processes listen on the loopback address only. Ctrl-C and SIGTERM let a clan with "
        "checkpoints= save before it ends; a second one ends all processes at once.",
    )
    parser.add_argument(
        "-n", "--members", type=int, default=4, help="number of processes (default: %(default)s)"
    )
    parser.add_argument(
        "--max-restarts",
        type=int,
        default=0,
        metavar="N",
        help="how often all processes are started again after one has failed; give the clan "
        "checkpoints= to go on from the latest one (default: %(default)s)",
    )
    parser.add_argument("script", type=Path, help="the training script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments of the script")
    return parser
