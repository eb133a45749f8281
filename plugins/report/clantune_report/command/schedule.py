"""`clantune schedule`: the schedule that a run has found, as JSON, a table, or Python code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clantune_clan import ClanError
from clantune_clan.records import RunFile, schedule_of
from clantune_core import ClanTuneError
from clantune_report.finding import read_run
from clantune_report.formats import FORMATS
from clantune_report.writing import require_place, write


def main(arguments: Sequence[str], program: str) -> int:
    """Write the schedule that a run has found.

    Args:
        arguments: Arguments of the command line, after the name of the command.
        program: Name of the command in its help and errors.

    Returns:
        The exit status: 0, or 2 if a file or an argument cannot be used.
    """
    given = _parser(program).parse_args(arguments)
    try:
        form = given.format or _format_of(given.out)
        if given.out is not None:
            require_place(given.out, replaces=given.force)
        schedule, run = _schedule_at(given.run)
        text = FORMATS[form](schedule, run.path.name)
        if given.out is None:
            print(text, end="")
        else:
            write(text, given.out)
    except (ClanTuneError, OSError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    if schedule["note"]:
        print(f"{program}: {schedule['note']}", file=sys.stderr)
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Write the schedule that a run has found, as clan.export_schedule(path) does: "
        "the values of the clan's centre in each round, or those of the members that the best "
        "weights come from. The run may still be under way.",
    )
    parser.add_argument(
        "run",
        type=Path,
        metavar="RUN",
        help="the file that Clan(history=...) names, or a folder with one such file",
    )
    parser.add_argument(
        "--format",
        choices=[*FORMATS],
        help="json for ReplaySchedule, csv for a table, py for a LambdaLR of the learning rate "
        "(default: the ending of --out, or json)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="file to write (default: print the schedule)"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    return parser


def _format_of(out: Path | None) -> str:
    """Return the format that the ending of a file names."""
    if out is None:
        return "json"
    ending = out.suffix.removeprefix(".")
    if ending not in FORMATS:
        endings = ", ".join(f".{each}" for each in FORMATS)
        raise ClanTuneError(f"{out} has none of the endings {endings}: give one, or --format")
    return ending


def _schedule_at(place: Path) -> tuple[Mapping[str, Any], RunFile]:
    """Return the schedule of a run, and the run."""
    run = read_run(place)
    rounds = [records for records in run.rounds if not records[0].calibration]
    if not rounds:
        raise ClanError(f"{run.path} has no complete round yet, so there is no schedule")
    return schedule_of(rounds, run.start), run
