"""The command `clantune`: start a clan on this machine, list what is installed, begin a package."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from clantune_core import new, strategies

PROGRAM = "clantune"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit status."""
    given = [*(sys.argv[1:] if arguments is None else arguments)]
    if given[:1] == ["new-strategy"]:  # it has a parser of its own
        return new.main(given[1:], program=f"{PROGRAM} new-strategy")
    parsed = _parser().parse_args(given)
    if parsed.command == "launch":
        return _launch(parsed.members, parsed.script, parsed.arguments)
    print(_installed())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    parser.add_argument("--version", action="version", version=metadata.version("clantune"))
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    launch = commands.add_parser(
        "launch", help="run a script in several processes of this machine, each a member of a clan"
    )
    launch.add_argument(
        "-n", "--members", type=int, default=4, help="how many processes (default: %(default)s)"
    )
    launch.add_argument("script", type=Path, help="the training script")
    launch.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script is given")
    commands.add_parser("list", help="list the strategies, recipes and presets that are installed")
    commands.add_parser(
        "new-strategy", help="write a package with a strategy of your own", add_help=False
    )
    return parser


def _launch(members: int, script: Path, arguments: Sequence[str]) -> int:
    if members < 1:
        print(f"{PROGRAM} launch: -n is a number of processes, 1 or more", file=sys.stderr)
        return 2
    if not script.is_file():
        print(f"{PROGRAM} launch: there is no script {script}", file=sys.stderr)
        return 2
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={members}",
        str(script),
        *arguments,
    ]
    return subprocess.run(command, check=False).returncode  # noqa: S603  (the user's own script)


def _installed() -> str:
    lines = ["strategies"]
    lines += [f"  {each.name}  ({each.distribution} {each.version})" for each in strategies()]
    for what in ("recipes", "presets"):
        entries = sorted(metadata.entry_points(group=f"clantune.{what}"), key=lambda e: e.name)
        lines += ["", what]
        lines += [f"  {e.name}  ({e.dist.name})" for e in entries if e.dist is not None]
    return "\n".join(lines)
