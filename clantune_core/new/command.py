"""The commands that begin a package: arguments in, a package written, and what to do next."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from clantune_core.errors import ClanTuneError
from clantune_core.new.beginnings import KINDS_OF_STRATEGIES
from clantune_core.new.package import write_package


def strategy(arguments: Sequence[str], program: str) -> int:
    """Write a package with a strategy of your own."""
    parser = _parser("strategy", program)
    parser.add_argument(
        "--kind",
        choices=KINDS_OF_STRATEGIES,
        default="mutation",
        help="what the strategy does (default: %(default)s)",
    )
    given = parser.parse_args(arguments)
    return _write(given, given.kind, program)


def kind(arguments: Sequence[str], program: str) -> int:
    """Write a package with a kind of allele of your own."""
    return _write(_parser("kind of allele", program).parse_args(arguments), "kind", program)


def recipe(arguments: Sequence[str], program: str) -> int:
    """Write a package with a recipe of your own."""
    return _write(_parser("recipe", program).parse_args(arguments), "recipe", program)


def preset(arguments: Sequence[str], program: str) -> int:
    """Write a package with a preset of your own."""
    return _write(_parser("preset", program).parse_args(arguments), "preset", program)


def _parser(what: str, program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description=f"Write a package with a {what} of your own: it installs, is found by its "
        "name, and passes its own tests and lint. Change it from there.",
    )
    parser.add_argument(
        "name",
        metavar="NAME",
        help=f"name of the {what}: night-shift makes the package clantune-night-shift",
    )
    parser.add_argument(
        "--into",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="the folder in which the folder of the package is made (default: the current one)",
    )
    parser.add_argument(
        "--author", default="", metavar="NAME", help="author of the package (default: none)"
    )
    return parser


def _write(given: argparse.Namespace, what: str, program: str) -> int:
    try:
        folder = write_package(given.name, what=what, into=given.into, author=given.author)
    except ClanTuneError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    print(_report(folder, what))
    return 0


def _report(folder: Path, what: str) -> str:
    written = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return "\n".join(
        [
            f"wrote {folder}, a package with a {what}:",
            *(f"  {path.as_posix()}" for path in written),
            "next:",
            f"  cd {shlex.quote(str(folder))}",
            '  python -m pip install -e ".[testing]"',
            "  python -m pytest",
        ]
    )
