"""`clantune launch`: several processes of this machine, each a member of a clan."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn


def main(arguments: Sequence[str], program: str) -> int:
    """Run a script as a clan: several processes of this machine, each a member.

    This process becomes torchrun, so a signal to it reaches torchrun, which ends the others.

    Args:
        arguments: Arguments of the command line, after the name of the command.
        program: Name of the command in its help and errors.

    Returns:
        The exit status, if the arguments are invalid.
    """
    given = _parser(program).parse_args(arguments)
    problem = _problem(given)
    if problem is None:
        script = [str(given.script), *given.arguments]
        _become_torchrun(given.members, given.max_restarts, script)
    print(f"{program}: {problem}", file=sys.stderr)
    return 2


def _problem(given: argparse.Namespace) -> str | None:
    if given.members < 1:
        return "-n is a number of processes, 1 or more"
    if given.max_restarts < 0:
        return "--max-restarts is a number of restarts, 0 or more"
    if not given.script.is_file():
        return f"there is no script {given.script}"
    return None


def _become_torchrun(processes: int, restarts: int, script: Sequence[str]) -> NoReturn:
    options = ("--standalone", f"--nproc-per-node={processes}", f"--max-restarts={restarts}")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(  # noqa: S606  (the user's own script)
        sys.executable, [sys.executable, "-m", "torch.distributed.run", *options, *script]
    )


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Run a script as a clan: several processes of this machine, each a member. It "
        "is short for torchrun --standalone --nproc-per-node=MEMBERS SCRIPT ...",
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
