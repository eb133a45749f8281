"""`clantune check`: every law of the conformance kit, on any installed plugin."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from clantune_core.command.named import plugins_of
from clantune_core.command.verdicts import as_data, heading, line, summary
from clantune_core.errors import ClanTuneError
from clantune_core.plugins import Plugin

if TYPE_CHECKING:
    from clantune_core.testing.verdicts import Verdict

BROKEN = 1
MISUSE = 2


def main(arguments: Sequence[str], program: str) -> int:
    """Try every law of the conformance kit on an installed plugin.

    Args:
        arguments: Arguments of the command line, after the name of the command.
        program: Name of the command in its help and errors.

    Returns:
        The exit status: 0 if every law holds, 1 if one is broken, 2 if nothing could be checked.
    """
    given = _parser(program).parse_args(arguments)
    try:
        plugins = plugins_of(given.plugin)
        _require_one(plugins, given)
        verdicts = _verdicts(plugins, given)
    except ClanTuneError as error:
        notes = getattr(error, "__notes__", [])
        print(f"{program}: {error}", *notes, sep="\n", file=sys.stderr)
        return MISUSE
    if any(verdict.outcome == "broken" for verdict in verdicts):
        return BROKEN
    return 0 if len(plugins) > 1 or verdicts[-1].outcome == "ok" else MISUSE


def _verdicts(plugins: Sequence[Plugin], given: argparse.Namespace) -> list[Verdict]:
    """Check the plugins, and print what comes of it."""
    kit = _kit()
    how = kit.Checking(
        arguments=given.arguments,
        genes=given.genes,
        may_pass=given.may_pass,
        examples=given.examples,
        seed=given.seed,
    )
    show = _collected if given.json else _printed
    with kit.verdicts_on(plugins, how) as verdicts:
        return show(verdicts)


def _kit() -> Any:
    """Return the part of the conformance kit that checks plugins.

    Raises:
        ClanTuneError: The packages that it needs are not installed.
    """
    try:
        from clantune_core.testing import checking  # noqa: PLC0415  (only tests have hypothesis)
    except ModuleNotFoundError as missing:
        raise ClanTuneError(
            f"the conformance kit needs {missing.name}, which is not installed: "
            'pip install "clantune-core[testing]"'
        ) from missing
    return checking


def _printed(verdicts: Iterable[Verdict]) -> list[Verdict]:
    started = time.monotonic()
    every = []
    for plugin, found in itertools.groupby(verdicts, lambda verdict: verdict.plugin):
        print(heading(plugin))
        for verdict in found:
            print(line(verdict), flush=True)
            every.append(verdict)
    print(summary(every, time.monotonic() - started))
    return every


def _collected(verdicts: Iterable[Verdict]) -> list[Verdict]:
    every = [*verdicts]
    print(json.dumps(as_data(every), indent=1))
    return every


def _require_one(plugins: Sequence[Plugin], given: argparse.Namespace) -> None:
    if given.arguments is not None and len(plugins) > 1:
        raise ClanTuneError(
            f"--arguments is for one plugin, and {given.plugin} has {len(plugins)}: name one of "
            f"{', '.join(plugin.name for plugin in plugins)}"
        )


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Try every law of the conformance kit on an installed plugin: on strategies "
        "and kinds of alleles with drawn cases; of recipes, presets and commands it requires that "
        "they load and have the right form.",
        epilog="Exit status: 0 every law holds, 1 a law is broken, 2 nothing could be checked.",
    )
    parser.add_argument(
        "plugin",
        metavar="PLUGIN",
        help="name of a package, such as clantune-strategies, or of one strategy, kind, recipe or "
        "preset, as `clantune list` shows it",
    )
    parser.add_argument(
        "--arguments",
        type=_json_object,
        metavar="JSON",
        help="arguments of the class, such as '{\"std\": 0.2}' (default: its defaults, and simple "
        "values where it has none)",
    )
    parser.add_argument(
        "--genes",
        type=_kinds_of_genes,
        default={},
        metavar="NAME=KIND,...",
        help="the genes that a strategy needs, such as lr=log_float (default: any genes)",
    )
    parser.add_argument(
        "--may-pass",
        action="append",
        default=[],
        choices=("select_ancestry", "handle_crossbreeding"),
        help="the hook may return None in every case, because another strategy answers",
    )
    parser.add_argument(
        "--examples",
        type=_count,
        default=100,
        metavar="N",
        help="cases per law (default: %(default)s, as in tests; 25 take a third of the time, but "
        "can miss a law that is broken in one case of ten)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="another number draws other cases"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")
    return parser


def _json_object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise argparse.ArgumentTypeError(f"{text!r} does not map names to values")
    return data


def _kinds_of_genes(text: str) -> dict[str, str]:
    pairs = [entry.partition("=") for entry in text.split(",")]
    if not all(name and kind for name, _, kind in pairs):
        raise argparse.ArgumentTypeError(f"{text!r} is not like lr=log_float,steps=int")
    return {name: kind for name, _, kind in pairs}


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of cases, 1 or more")
    return int(text)
