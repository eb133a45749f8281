"""Verbs that measure something by its name: `clantune neuro VERB WHAT`."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from clantune_neuro.command.options import add_json, count
from clantune_neuro.command.printing import show, show_progress
from clantune_neuro.gates import Report, timed


@attrs.frozen
class Option:
    """An argument of a measurement, passed on under its own name.

    Attributes:
        name: Name of the argument of `measure`. The flag is the same with hyphens.
        default: Its default; a tuple for a flag that takes several values; False for a flag that
            takes none.
        help: What it is.
        type: Reads one value.
        choices: The values that it may have; empty for no such limit.
    """

    name: str
    default: Any
    help: str
    type: Callable[[str], Any] = count
    choices: tuple[str, ...] = ()

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Add the flag to a parser."""
        if self.default is False:
            parser.add_argument(self._flag, action="store_true", help=self.help)
            return
        several: dict[str, Any] = {"nargs": "+"} if isinstance(self.default, tuple) else {}
        shown = " ".join(map(str, self.default)) if several else self.default
        parser.add_argument(
            self._flag,
            type=self.type,
            default=self.default,
            choices=self.choices or None,
            metavar="|".join(self.choices) or "N",
            help=f"{self.help} (default: {shown})",
            **several,
        )

    @property
    def _flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"


@attrs.frozen
class Measurement:
    """What a verb can measure.

    Attributes:
        module: The module whose function `measure` returns a report. It takes the options, and
            `progress`, a function of how much is done and of how much there is.
        summary: What it measures.
        options: Its arguments.
    """

    module: str
    summary: str
    options: tuple[Option, ...]

    def report(self, arguments: argparse.Namespace) -> Report:
        """Measure, and return the report with the seconds that it took."""
        measure = importlib.import_module(self.module).measure
        given = {option.name: getattr(arguments, option.name) for option in self.options}
        return timed(lambda: measure(**given, progress=show_progress))


def add_measurements(parser: argparse.ArgumentParser, known: Mapping[str, Measurement]) -> None:
    """Add what a verb measures as its argument WHAT, each with options of its own."""
    whats = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    for name, measurement in known.items():
        what = whats.add_parser(
            name, help=measurement.summary, description=f"Measure: {measurement.summary}."
        )
        for option in measurement.options:
            option.add_to(what)
        add_json(what)


def run_measurement(arguments: argparse.Namespace, known: Mapping[str, Measurement]) -> int:
    """Measure what was asked for, print the report, and return the exit status."""
    report = known[arguments.what].report(arguments)
    return show(report, as_json=arguments.json)
