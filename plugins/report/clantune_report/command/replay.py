"""`clantune replay`: what a schedule sets in each step, and the module that replays it."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from clantune_core import ClanTuneError
from clantune_report import replay
from clantune_report.replay import Schedule, ScheduleError
from clantune_report.writing import require_place, write


def main(arguments: Sequence[str], program: str) -> int:
    """Show what a replayed schedule sets in each step.

    Args:
        arguments: Arguments of the command line, after the name of the command.
        program: Name of the command in its help and errors.

    Returns:
        The exit status: 0, or 2 if a file or an argument cannot be used.
    """
    parser = _parser(program)
    given = parser.parse_args(arguments)
    if given.schedule is None and given.module is None:
        parser.error("give a schedule to show, or --module FILE")
    try:
        if given.module is not None:
            _write_module(given.module, replaces=given.force)
        if given.schedule is not None:
            _show(given, program)
    except (ClanTuneError, OSError, ScheduleError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Show what a replayed schedule sets in each step. Learning rates include the "
        "factor of warm-up and cooldown. A training loop replays the schedule by "
        "ReplaySchedule(optimizer, path) of the package clantune, or of a copy of its module.",
    )
    parser.add_argument(
        "schedule",
        nargs="?",
        type=Path,
        help="file that clan.export_schedule(path) or `clantune schedule` has written",
    )
    steps = parser.add_mutually_exclusive_group()
    steps.add_argument(
        "--steps",
        type=_count,
        default=20,
        metavar="N",
        help="show N steps from the first to the last (default: %(default)s)",
    )
    steps.add_argument(
        "--at", type=int, nargs="+", metavar="STEP", help="show these steps, counted from 0"
    )
    parser.add_argument(
        "--total-steps", type=_count, metavar="N", help="stretch the schedule over N steps"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON, for other programs")
    form.add_argument("--csv", action="store_true", help="print comma-separated values")
    parser.add_argument(
        "--module",
        type=Path,
        metavar="FILE",
        help="write the module of ReplaySchedule, which imports only Python's own, to be copied",
    )
    parser.add_argument("--force", action="store_true", help="let --module replace a file")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of steps, 1 or more")
    return int(text)


def _write_module(path: Path, *, replaces: bool) -> None:
    require_place(path, replaces=replaces)
    write(Path(replay.__file__).read_text(encoding="utf-8"), path)
    print(f"wrote {path}: from {path.stem} import ReplaySchedule")


@attrs.frozen
class Row:
    """What is set in a step.

    Attributes:
        step: Number of the step, from 0.
        factor: Factor of all learning rates, by warm-up and cooldown.
        values: Value of each gene by name; of a learning rate, times the factor.
    """

    step: int
    factor: float
    values: Mapping[str, Any]

    @classmethod
    def of(cls, schedule: Schedule, step: int) -> Row:
        """Return what a schedule sets in a step."""
        factor, genes = schedule.factor_at(step), schedule.genes_at(step)
        rates = {
            name: value * factor
            for name, value in genes.items()
            if "lr" in name.split("/")[-2:] and isinstance(value, int | float)
        }
        return cls(step, factor, {**genes, **rates})


def _show(given: argparse.Namespace, program: str) -> None:
    schedule = Schedule.read(given.schedule)
    if schedule.note:
        print(f"{program}: {schedule.note}", file=sys.stderr)
    if given.total_steps is not None:
        schedule = schedule.stretched(given.total_steps)
    rows = [Row.of(schedule, step) for step in _steps(schedule, given)]
    if given.json:
        print(json.dumps([attrs.asdict(row) for row in rows], indent=1))
        return
    lines: list[list[Any]] = [["step", "factor", *rows[0].values]]
    lines += [[row.step, row.factor, *row.values.values()] for row in rows]
    if given.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(lines)
    else:
        _print_table([[_cell(value) for value in line] for line in lines])


def _steps(schedule: Schedule, given: argparse.Namespace) -> Sequence[int]:
    """Return the steps that were asked for, or some from the first to the last one."""
    total, asked = schedule.total_steps, given.at or ()
    for step in asked:
        if step < 0 or step >= (total or sys.maxsize):
            end = "" if total is None else f" to {total - 1}"
            raise ScheduleError(f"there is no step {step}: steps are counted from 0{end}")
    last = int(schedule.rounds[-1][0]) if total is None else total - 1
    number = min(given.steps, last + 1)
    return asked or sorted({round(last * part / max(1, number - 1)) for part in range(number)})


def _print_table(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(map(str.rjust, line, widths)))


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
