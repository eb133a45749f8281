"""`clantune neuro export DIR`: write the weights of a member for plain PyTorch."""

from __future__ import annotations

import argparse
import json

from clantune_neuro.command.options import add_json

SUMMARY = "Write the weights of a member to a file that plain PyTorch reads, or verify them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("directory", metavar="DIR", help="what `run` was given as --out")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--best", action="store_true", help="the best member (the default)")
    which.add_argument("--member", metavar="UUID", help="another member, or how its UUID begins")
    parser.add_argument(
        "--to", metavar="FILE", help="FILE.pt or FILE.safetensors (default: DIR/best.pt)"
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="replay it from the files alone, and compare hash and score; exit status 1 if they "
        "differ; without --to no file is written",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write or verify a member, and return 0, or 1 if it is not what the run says."""
    from clantune_neuro.command.catalogue import described_in  # noqa: PLC0415  (torch)
    from clantune_neuro.errors import NeuroError  # noqa: PLC0415
    from clantune_neuro.evaluation.record import Record  # noqa: PLC0415
    from clantune_neuro.run.export import export  # noqa: PLC0415
    from clantune_neuro.run.reading import member_in  # noqa: PLC0415
    from clantune_neuro.run.verify import verify  # noqa: PLC0415

    chosen = described_in(arguments.directory)
    best = member_in(arguments.directory, chosen.network, arguments.member)
    if Record.of(best.genome).base is None:
        raise NeuroError(f"member {best.genome.uuid} is dead: it has no score to be exported with")
    found = {
        "member": str(best.genome.uuid),
        "score": best.score,
        "genes": best.lineage.num_genes,
    }
    if arguments.to or not arguments.verify:
        name = "best" if arguments.member is None else best.genome.uuid
        found["file"] = str(export(best, arguments.to or f"{arguments.directory}/{name}.pt"))
    passed = True
    if arguments.verify:
        verdict = verify(arguments.directory, chosen.network, chosen.task, best.genome.uuid)
        passed, found["verification"] = verdict.passed, str(verdict)
    width = max(map(len, found))
    lines = [f"{name:{width}}  {value}" for name, value in found.items()]
    print(json.dumps({**found, "passed": passed}) if arguments.json else "\n".join(lines))
    return 0 if passed else 1
