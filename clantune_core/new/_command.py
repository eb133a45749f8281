"""The command: arguments in, a package written, and what to do next."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from clantune_core.errors import ClanTuneError
from clantune_core.new._package import KINDS, write_package


def main(
    arguments: Sequence[str] | None = None, *, program: str = "python -m clantune_core.new"
) -> int:
    """Write a package as the command line says, and return the exit status.

    Args:
        arguments: Those of the command line, without its name; None for those of this process.
        program: What the command is called in its own help and errors.
    """
    given = _parser(program).parse_args(arguments)
    try:
        folder = write_package(given.name, kind=given.kind, into=given.into, author=given.author)
    except ClanTuneError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    print(_report(folder, given.kind))
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Write a package with a strategy of your own: it installs, is found by its "
        "name, passes the conformance kit and its own lint. Change it from there.",
    )
    parser.add_argument(
        "name",
        metavar="NAME",
        help="what the strategy is called: night-shift makes clantune-night-shift, with a class "
        "NightShift",
    )
    parser.add_argument(
        "--kind",
        choices=[*KINDS],
        default="mutation",
        help="what the strategy does (default: %(default)s)",
    )
    parser.add_argument(
        "--into",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="the folder in which that of the package is made (default: the current one)",
    )
    parser.add_argument(
        "--author", default="", metavar="NAME", help="who is named as its author (default: nobody)"
    )
    return parser


def _report(folder: Path, kind: str) -> str:
    written = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return "\n".join(
        [
            f"wrote {folder}, a package with a {kind}:",
            *(f"  {path.as_posix()}" for path in written),
            "next:",
            f"  cd {shlex.quote(str(folder))}",
            '  python -m pip install -e ".[testing]"',
            "  python -m pytest",
        ]
    )
