"""`clantune demo`: a run to look at, with its report."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

SCRIPT = Path(__file__).with_name("character_lm.py")


def main(arguments: Sequence[str], program: str) -> int:
    """Train a small language model from bad settings, and write a report of the run.

    Args:
        arguments: Arguments of the command line, after the name of the command.
        program: Name of the command in its help and errors.

    Returns:
        The exit status: 0, that of the process which failed first, or 2 for a misuse.
    """
    given = _parser(program).parse_args(arguments)
    problem = _problem(given)
    if problem is not None:
        print(f"{program}: {problem}", file=sys.stderr)
        return 2
    from clantune.demo.running import run_demo  # noqa: PLC0415  (torch takes seconds)

    return run_demo(SCRIPT, given.folder or _new_folder(), given.members, given.steps, program)


def _problem(given: argparse.Namespace) -> str | None:
    if given.members < 1:
        return f"-n is a number of processes, 1 or more; got {given.members}"
    if given.steps < 1:
        return f"--steps is a number of steps, 1 or more; got {given.steps}"
    if given.folder is not None and given.folder.exists():
        return f"{given.folder} exists: give another --folder, or remove it"
    return None


def _new_folder() -> Path:
    """Return the first of clantune-demo, clantune-demo-2, ... that does not exist."""
    names = itertools.chain(["clantune-demo"], map("clantune-demo-{}".format, itertools.count(2)))
    return next(path for path in map(Path, names) if not path.exists())


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Train a small language model from bad settings, and write a report of the "
        "run. Several processes train it twice, as a clan and as plain data-parallel training, "
        "which takes about a minute. The folder then has the history of the clan, its schedule, "
        "and the report, which a browser opens.",
    )
    parser.add_argument(
        "-n", "--members", type=int, default=4, help="number of processes (default: %(default)s)"
    )
    parser.add_argument(
        "--steps", type=int, default=1500, help="steps of each run (default: %(default)s)"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="a new folder for what the run writes (default: clantune-demo, clantune-demo-2, ...)",
    )
    return parser
