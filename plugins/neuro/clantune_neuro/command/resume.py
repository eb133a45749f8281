"""`clantune neuro resume DIR`: go on with a run as if nothing had happened to it."""

from __future__ import annotations

import argparse

from clantune_neuro.command.options import add_json, whole
from clantune_neuro.command.run import GENERATIONS, add_execution

SUMMARY = "Go on with the run of a directory; its history is that of a run that was never stopped"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("directory", metavar="DIR", help="what `run` was given as --out")
    parser.add_argument(
        "--generations", type=whole, metavar="N", help="last generation (default: as at first)"
    )
    add_execution(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Go on with a run, and return 0."""
    from clantune_neuro.command.catalogue import described_in  # noqa: PLC0415  (torch)
    from clantune_neuro.command.going_on import executor_for, go_on  # noqa: PLC0415
    from clantune_neuro.run.evolve import Evolve  # noqa: PLC0415

    chosen = described_in(arguments.directory)
    with (
        executor_for(arguments.workers) as executor,
        Evolve.resume(
            arguments.directory,
            chosen.network,
            chosen.task,
            executor=executor,
            cap=arguments.cap,
        ) as evolution,
    ):
        if arguments.generations is None:
            arguments.generations = evolution.progress.total or GENERATIONS
        return go_on(evolution, chosen.task, arguments, arguments.directory)
