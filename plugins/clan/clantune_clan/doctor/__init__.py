"""`clantune doctor`: what is installed here, what the machine offers, and whether a clan runs."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from clantune_clan.doctor.finding import Finding, Plan, Subject, problem
from clantune_clan.doctor.world import launcher

SUBJECTS = ("versions", "devices", "threads", "world", "addresses", "space", "trial")
"""The subjects in order: each is a module here, with a function of the same name."""

PROBLEM = 1
MISUSE = 2


def main(arguments: Sequence[str], program: str) -> int:
    """Say what is installed, what this machine offers, and whether a small clan runs on it.

    Args:
        arguments: Arguments of the command line, after the name of the command.
        program: Name of the command in its help and errors.

    Returns:
        The exit status: 0, 1 if there is a problem, 2 for misuse.
    """
    given = _parser(program).parse_args(arguments)
    if rank := launcher():
        print(
            f"{program}: this is {rank} of a launcher; run `{program}` by itself, once on each "
            "machine: it starts processes of its own",
            file=sys.stderr,
        )
        return MISUSE
    plan = Plan(given.members, given.timeout)
    found: dict[str, list[Finding]] = {}
    for subject in SUBJECTS:
        if subject == "trial" and given.skip_clan:
            continue
        found[subject] = []
        if not given.json:
            print(subject)
        for finding in _examine(subject, plan):
            found[subject].append(finding)
            if not given.json:
                print(_line(finding), flush=True)
    levels: Counter[str] = Counter(finding.level for each in found.values() for finding in each)
    print(_data(found) if given.json else _summary(levels))
    return PROBLEM if levels["problem"] else 0


def _examine(subject: str, plan: Plan) -> Iterator[Finding]:
    """Yield the findings on a subject; one that cannot be examined is a problem itself."""
    try:
        module = importlib.import_module(f"{__name__}.{subject}")  # some import torch
        examine: Subject = getattr(module, subject)
        yield from examine(plan)
    except (ImportError, OSError) as error:
        yield problem(
            f"this cannot be examined: {type(error).__name__}: {error}",
            "see the problems above first",
        )


def _line(finding: Finding) -> str:
    indent = " " * 11
    text = textwrap.indent(finding.text, indent).lstrip()
    advice = f"\n{indent}do: {finding.advice}" if finding.advice else ""
    return f"  {finding.level:7}  {text}{advice}"


def _summary(levels: Counter[str]) -> str:
    told = []
    for level in ("problem", "note"):
        count = levels[level]
        told.append(f"{count or 'no'} {level}{'' if count == 1 else 's'}")
    return f"{', '.join(told)}, {levels['ok']} ok"


def _data(found: dict[str, list[Finding]]) -> str:
    listed = [
        {"subject": subject, "level": each.level, "text": each.text, "advice": each.advice}
        for subject, findings in found.items()
        for each in findings
    ]
    return json.dumps({"findings": listed}, indent=1)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Say what is installed, what this machine offers, and whether a small clan "
        "runs on it. Each finding is ok, a note or a problem, with what to do. Run it by itself, "
        "once on each machine.",
        epilog="Exit status: 0 no problem, 1 a problem, 2 misuse.",
    )
    parser.add_argument(
        "-n",
        "--members",
        type=_members,
        default=2,
        metavar="N",
        help="processes that shall run on this machine; the small clan has so many (default: 2)",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=120.0,
        metavar="SECONDS",
        help="time limit of the small clan (default: 120)",
    )
    parser.add_argument("--skip-clan", action="store_true", help="start no clan")
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")
    return parser


def _members(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes, 1 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds
