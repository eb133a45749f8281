"""The command `clantune neuro`. Its help does not import torch, which takes seconds."""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from clantune_core import ClanTuneError

MISUSE = 2
INTERRUPTED = 130

VERBS: Mapping[str, str] = {
    "run": "clantune_neuro.command.run",
    "resume": "clantune_neuro.command.resume",
    "stats": "clantune_neuro.command.stats",
    "export": "clantune_neuro.command.export",
    "selftest": "clantune_neuro.command.selftest",
    "bench": "clantune_neuro.command.bench",
    "repro": "clantune_neuro.command.repro",
}
"""The module of each verb, which imports torch no earlier than in its `run`."""


SUMMARY = "Evolve networks whose genome is a lineage of seeds."


class Verb(Protocol):
    """What the module of a verb has."""

    SUMMARY: str
    """What the verb does, for the list of verbs."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments of the verb, `--json` among them."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do what the verb does, and return the exit status."""
        ...


def main(arguments: Sequence[str], program: str) -> int:
    """Evolve networks whose genome is a lineage of seeds.

    Args:
        arguments: Arguments after the name of the command.
        program: Name that the command is called by, such as `"clantune neuro"`.

    Returns:
        Exit status: 0 done, 1 a gate is missed, 2 misuse or an error, 130 interrupted.
    """
    try:
        return _chosen(arguments, program)
    except SystemExit as ended:  # argparse has printed the help, or what is wrong
        return ended.code if isinstance(ended.code, int) else MISUSE
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return INTERRUPTED


def _chosen(arguments: Sequence[str], program: str) -> int:
    parser = _Parser(prog=program, description=SUMMARY)
    parser.add_argument("verb", nargs="?", metavar="VERB", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.verb is None:
        parser.print_help(sys.stderr)
        return MISUSE
    if given.verb not in VERBS:
        print(f"{program}: {_unknown(given.verb, program)}", file=sys.stderr)
        return MISUSE
    return _run(given.verb, given.arguments, f"{program} {given.verb}")


def _run(name: str, arguments: Sequence[str], program: str) -> int:
    verb = _verb(name)
    parser = argparse.ArgumentParser(prog=program, description=f"{verb.SUMMARY}.")
    verb.add_arguments(parser)
    given = parser.parse_args(arguments)
    try:
        return verb.run(given)
    except ClanTuneError as error:
        print(f"{program}: {error}", *_notes(error), sep="\n", file=sys.stderr)
        return MISUSE
    except OSError as error:  # of a file or a folder that was named
        print(f"{program}: {error}", file=sys.stderr)
        return MISUSE


def _notes(error: ClanTuneError) -> list[str]:
    """Return the notes of an error, and the traceback of a task that failed in this process."""
    notes: list[str] = getattr(error, "__notes__", [])
    failure = getattr(error, "failure", None)
    if failure is None or any("Traceback" in note for note in notes):
        return notes
    return [failure.traceback.rstrip(), *notes]


def _verb(name: str) -> Verb:
    return cast(Verb, importlib.import_module(VERBS[name]))


def _unknown(name: str, program: str) -> str:
    near = difflib.get_close_matches(name, VERBS, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"`{program} --help` lists them"
    return f"there is no verb {name!r}; {hint}"


class _Parser(argparse.ArgumentParser):
    """Imports the modules of the verbs for its help alone."""

    def format_help(self) -> str:
        width = max(map(len, VERBS))
        lines = [f"  {name:{width}}  {_verb(name).SUMMARY}" for name in VERBS]
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        self.usage = f"{self.prog} [-h] VERB ..."
        self.epilog = (
            "verbs:\n"
            + "\n".join(lines)
            + f"\n\n`{self.prog} VERB --help` says more about a verb.\n"
            "Exit status: 0 done, 1 a gate is missed, 2 misuse or an error, 130 interrupted."
        )
        return super().format_help()
