"""The verdicts of `clantune check`, as lines and as data."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clantune_core.plugins import Plugin

if TYPE_CHECKING:
    from clantune_core.testing.verdicts import Verdict

WIDTH = len("not checked")
INDENT = " " * (WIDTH + 4)


def heading(plugin: Plugin) -> str:
    """Return the line above the verdicts on a plugin."""
    return f"{plugin} {plugin.version}"


def line(verdict: Verdict) -> str:
    """Return the line of a verdict, and below it what happened and the smallest case."""
    if verdict.outcome == "ok":
        told = verdict.law
    elif verdict.outcome == "broken":
        told = f"{verdict.law}: {verdict.sentence}\n{verdict.problem}"
    else:
        told = (
            f"{verdict.problem}\n"
            "Pass arguments with --arguments, or write a test with @conforms or @kind_conforms"
        )
    if verdict.example:
        told += f"\nThe smallest case that was found:\n{verdict.example}"
    return f"  {verdict.outcome:{WIDTH}}  {textwrap.indent(told, INDENT).lstrip()}"


def summary(verdicts: Sequence[Verdict], seconds: float) -> str:
    """Return the last line: how many laws hold, and what is not checked."""
    laws = Counter(verdict.outcome for verdict in verdicts if verdict.law)
    told = f"{_count(laws.total(), 'law')}, {laws['broken'] or 'none'} broken"
    plugins = {verdict.plugin for verdict in verdicts if verdict.law}
    text = f"{_count(len(plugins), 'plugin')}: {told}, in {seconds:.0f} s"
    left = {verdict.plugin.name: None for verdict in verdicts if verdict.outcome == "not checked"}
    return f"{text}; not checked: {', '.join(left)}" if left else text


def as_data(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return the verdicts as plain data, by plugin."""
    listed: dict[Plugin, list[Verdict]] = {}
    for verdict in verdicts:
        listed.setdefault(verdict.plugin, []).append(verdict)
    return [
        {
            "group": plugin.group.name.removeprefix("clantune."),
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "laws": [
                {
                    "law": each.law,
                    "sentence": each.sentence,
                    "outcome": each.outcome,
                    "problem": each.problem,
                    "example": each.example,
                }
                for each in found
                if each.law
            ],
            "not_checked": next((v.problem for v in found if v.outcome == "not checked"), None),
        }
        for plugin, found in listed.items()
    ]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
