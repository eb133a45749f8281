"""`clantune neuro run TASK`: evolve a network for a task."""

from __future__ import annotations

import argparse

from clantune_neuro.command.options import add_json, count, positive, whole

SUMMARY = "Evolve a network for a task, generation by generation"

GENERATIONS = 100
"""The last generation of a run that was not given another one."""

_EPILOG = """\
tasks: memorise, digits, mnist, cartpole, gym, frostbite, breakout, with options such as
memorise,points=64,loss=wrong; or one of your own: FILE.py:NAME
networks: heads, linear, conv, multi-conv, with options such as linear,hidden=64; or FILE.py:NAME

examples:
  clantune neuro run memorise --generations 400 --out runs/a
  clantune neuro run digits --recipe average --population 256 --workers pool:2
  clantune neuro run cartpole --generations 40
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("task", metavar="TASK", help="what networks are scored on; see below")
    parser.add_argument("--network", metavar="NETWORK", help="what evolves (default: by task)")
    rules = parser.add_mutually_exclusive_group()
    rules.add_argument("--recipe", metavar="NAME", help="how it evolves (default: by task)")
    rules.add_argument("--strategies", metavar="FILE", help="how it evolves: an Evolution as JSON")
    parser.add_argument(
        "--population", type=count, metavar="N", help="members (default: by recipe)"
    )
    parser.add_argument(
        "--strength",
        type=positive,
        metavar="X",
        help="first strength of genes (default: as the recipe says)",
    )
    parser.add_argument(
        "--generations",
        type=whole,
        default=GENERATIONS,
        metavar="N",
        help=f"last generation (default: {GENERATIONS})",
    )
    parser.add_argument("--seed", type=whole, default=0, metavar="N", help="seed (default: 0)")
    parser.add_argument(
        "--form", choices=("loop", "vmap", "shared"), help="how a chunk is scored (default: usual)"
    )
    parser.add_argument(
        "--chunk", type=count, default=32, metavar="N", help="members per pass (default: 32)"
    )
    parser.add_argument(
        "--improvement", action="store_true", help="score what a child scores above its parent"
    )
    parser.add_argument(
        "--compact-after", type=whole, metavar="N", help="shared genes that become a birth"
    )
    parser.add_argument("--mnist", metavar="DIR", help="folder of your IDX files, for mnist")
    add_execution(parser)
    parser.add_argument("--out", metavar="DIR", help="where the run is written, to be resumed")
    add_json(parser)


def add_execution(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that change no result."""
    parser.add_argument(
        "--workers",
        default="1",
        metavar="WHERE",
        help="1, pool:4, ranks (under `clantune launch`) or dask:ADDRESS (default: 1)",
    )
    parser.add_argument(
        "--cap", default="256MiB", metavar="SIZE", help="weights kept per process (default: 256MiB)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Evolve a network, and return 0."""
    from clantune_neuro.command.catalogue import described, rules_in  # noqa: PLC0415  (torch)
    from clantune_neuro.command.going_on import executor_for, go_on  # noqa: PLC0415
    from clantune_neuro.errors import NeuroError  # noqa: PLC0415
    from clantune_neuro.run.evolve import Evolve  # noqa: PLC0415

    chosen = described(arguments.task, arguments.network, arguments.mnist)
    rules = rules_in(arguments.strategies)
    recipe = arguments.recipe or (chosen.recipe if rules is None else None)
    if recipe is None and rules is None:
        raise NeuroError(
            f"no recipe is known for the task {arguments.task!r}; give --recipe NAME, such as "
            "asexual, or --strategies FILE"
        )
    with (
        executor_for(arguments.workers) as executor,
        Evolve(
            chosen.network,
            chosen.task,
            rules,
            recipe=recipe,
            population=arguments.population,
            strength=arguments.strength,
            seed=arguments.seed,
            form=arguments.form,
            chunk=arguments.chunk,
            improvement=arguments.improvement,
            compact_after=arguments.compact_after,
            executor=executor,
            cap=arguments.cap,
            out=arguments.out,
            command=chosen.texts,
        ) as evolution,
    ):
        return go_on(evolution, chosen.task, arguments, arguments.out)
