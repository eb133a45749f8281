"""`clantune launch`: several processes of this machine, each a member of a clan."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
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

    script = ["-m", given.script] if given.module else [given.script]
    return run(
        given.members,
        given.max_restarts,
        [*script, *given.arguments],
        program,
        prefix=given.prefix,
    )


def _problem(given: argparse.Namespace) -> str | None:
    if given.members < 1:
        return "-n is a number of processes, 1 or more"
    if given.max_restarts < 0:
        return "--max-restarts is a number of restarts, 0 or more"
    if given.module and (missing := missing_module(given.script)) is not None:
        return f"the module {missing} does not exist; to run a file, leave out -m"
    if not given.module and not Path(given.script).is_file():
        return f"the script {given.script} does not exist"
    return None


def missing_module(name: str) -> str | None:
    """Return the module that `python -m` would not find, or None. No package is imported.

    Args:
        name: Name of the module that shall run. Of a package, that is its module `__main__`.
    """
    top, *below = name.split(".")
    if not top:
        return name
    specs = (finder.find_spec(top, None) for finder in sys.meta_path)
    spec = PathFinder.find_spec(top, [os.getcwd()]) or next(filter(None, specs), None)
    found = top
    for part in below:
        if spec is None:
            return found
        found, spec = f"{found}.{part}", _below(spec, part)
    if spec is not None and spec.submodule_search_locations is not None:
        found, spec = f"{found}.__main__", _below(spec, "__main__")
    return found if spec is None else None


def _below(package: ModuleSpec, name: str) -> ModuleSpec | None:
    return PathFinder.find_spec(name, [*(package.submodule_search_locations or ())])


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Run a script as a clan: several processes of this machine, each a member. It "
        "does what torchrun --standalone --nproc-per-node=MEMBERS SCRIPT ... does, but its "
        "processes listen on the loopback address only. Ctrl-C and SIGTERM let a clan with "
        "checkpoints= save before it ends; a second one ends all processes at once. Each process "
        "computes with an equal share of the cores, unless OMP_NUM_THREADS is set.",
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
    parser.add_argument(
        "--prefix",
        action=argparse.BooleanOptionalAction,
        help="begin each line of output with the rank of its process (default: on a terminal, in "
        "colours unless NO_COLOR is set)",
    )
    parser.add_argument(
        "-m",
        "--module",
        action="store_true",
        help="SCRIPT is the name of a module, which is run as python -m does",
    )
    parser.add_argument("script", metavar="SCRIPT", help="the training script")
    arguments = parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, help="arguments of the script"
    )
    arguments.required = False  # Python 3.11 says otherwise where SCRIPT is missing
    return parser
