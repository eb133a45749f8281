"""`clantune list`: what is installed, as tables or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from clantune_core.command.groups import COMMANDS
from clantune_core.errors import PluginError
from clantune_core.hooks.implementations import implemented_hooks
from clantune_core.plugins import ALLELES, PRESETS, RECIPES, STRATEGIES, Group, Plugin
from clantune_core.tables import table

GROUPS = (STRATEGIES, RECIPES, PRESETS, ALLELES, COMMANDS)

Entry = dict[str, Any]


def main(arguments: Sequence[str], program: str) -> int:
    """List the strategies, recipes, presets and kinds of alleles that are installed."""
    given = _parser(program).parse_args(arguments)
    listed = {_title(group): [*map(_entry, group.installed())] for group in GROUPS}
    problems = _add_hooks(listed[_title(STRATEGIES)]) if given.hooks else []
    print(json.dumps(listed, indent=1) if given.json else _tables(listed))
    for problem in problems:
        print(f"{program}: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="List the strategies, recipes, presets and kinds of alleles that are "
        "installed, and the commands, each with its package and version. Without --hooks this "
        "imports none of them.",
    )
    parser.add_argument(
        "--hooks",
        action="store_true",
        help="show the hooks of each strategy too, which imports the packages of the strategies",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")
    return parser


def _title(group: Group) -> str:
    return group.name.removeprefix("clantune.")


def _entry(plugin: Plugin) -> Entry:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
    }


def _add_hooks(strategies: Sequence[Entry]) -> list[PluginError]:
    """Add the hooks to the entries of strategies; return the errors of failed imports."""
    problems = []
    for entry, plugin in zip(strategies, STRATEGIES.installed(), strict=True):
        try:
            entry["hooks"] = implemented_hooks(plugin.load())
        except PluginError as error:
            problems.append(error)
    return problems


def _tables(listed: Mapping[str, Sequence[Entry]]) -> str:
    return "\n\n".join(_table(title, entries) for title, entries in listed.items())


def _table(title: str, entries: Sequence[Entry]) -> str:
    rows = [
        (
            each["name"],
            f"{each['distribution']} {each['version']}",
            ", ".join(each.get("hooks", [])),
        )
        for each in entries
    ]
    has_hooks = any("hooks" in entry for entry in entries)
    return table((title, "package", "hooks" if has_hooks else ""), rows or [("none", "", "")], "")
