"""`clantune neuro stats DIR`: what a run looks like."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from clantune_neuro.command.options import add_json

if TYPE_CHECKING:
    from clantune_neuro.statistics.replayed import Replayed

SUMMARY = "Show the scores, lineages, weights and operators of a run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("directory", metavar="DIR", help="what `run` was given as --out")
    parser.add_argument(
        "--replay", action="store_true", help="score every ancestor of the best member again"
    )
    parser.add_argument("--plot", metavar="FILE", help="write a picture, FILE.png or FILE.svg")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the statistics of a run, and return 0."""
    from clantune_neuro.run.history_file import read_history  # noqa: PLC0415  (torch)
    from clantune_neuro.run.reading import Stored  # noqa: PLC0415
    from clantune_neuro.statistics.courses import course, effects  # noqa: PLC0415
    from clantune_neuro.statistics.plots import plot  # noqa: PLC0415
    from clantune_neuro.statistics.summary import summary  # noqa: PLC0415

    stored = Stored.read(arguments.directory)
    lines = [*read_history(arguments.directory)]
    relative = stored.settings.improvement
    points = course(lines, improvement=relative)
    found = effects(lines, stored.settings.blueprint, improvement=relative)
    again = _replayed(arguments.directory) if arguments.replay else []
    scored = "improvement" if relative else "score"
    if arguments.plot:
        plot(arguments.plot, points, found, again, what=scored)
    made = summary(stored, points, found, again)
    print(json.dumps(made.to_plain()) if arguments.json else made)
    return 0


def _replayed(directory: str) -> list[Replayed]:
    from clantune_neuro.command.catalogue import described_in  # noqa: PLC0415  (torch)
    from clantune_neuro.command.printing import show_progress  # noqa: PLC0415
    from clantune_neuro.statistics.replayed import replayed  # noqa: PLC0415

    chosen = described_in(directory)
    return replayed(directory, chosen.network, chosen.task, progress=show_progress)
