"""The claim that a genetic algorithm learns Frostbite: many nights of play, so without a gate."""

from __future__ import annotations

from clantune_neuro.extras import extra
from clantune_neuro.gates import Report
from clantune_neuro.networks.conv import ConvPolicy
from clantune_neuro.repro.runs import (
    Bar,
    Progress,
    evolved,
    num_evaluations,
    seeds_from,
    shown_seeds,
)
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.strategies.append import Append
from clantune_neuro.tasks.gym import Gym
from clantune_strategies import Dominant, KeepBest, TopN, Tournament, WhenReplaced

ENVIRONMENT = "ALE/Frostbite-v5"
PICTURE, ACTIONS = (3, 210, 160), 18
PARENTS, CHILDREN = 32, 128
STRENGTH = 0.04


def measure(
    *, seeds: int, first_seed: int, quick: bool, generations: int, episodes: int, progress: Progress
) -> Report:
    """Evolve a network of convolutions on Frostbite.

    Args:
        seeds: Number of runs.
        first_seed: The first of their seeds.
        quick: Take 1 generation of 2 members and 1 episode instead.
        generations: Generations of each run.
        episodes: Number of held-out episodes of the best member.
        progress: Is told how much is done, and of how much.

    Raises:
        NeuroError: The package `ale-py` is not installed.
    """
    extra("ale_py", package="ale-py", name="atari")
    parents, children, last, played = (1, 1, 1, 1) if quick else (PARENTS, CHILDREN, generations, 3)
    numbers = seeds_from(first_seed, seeds)
    bar = Bar(progress, seeds, last)

    def look(run: Evolve) -> tuple[int, float]:
        task = Gym(ENVIRONMENT, played, sample=True, validation=True)
        held_out = task.held_out(1 if quick else episodes)
        return run.progress.frames, run.score(str(run.best.lineage), task=held_out).base

    found = []
    for seed in numbers:
        task = Gym(ENVIRONMENT, played, sample=True, seed=seed)
        run = Evolve(
            ConvPolicy(PICTURE, classes=ACTIONS),
            task,
            [
                KeepBest(TopN(parents, Tournament(1, 1)), 1),
                Dominant(),
                WhenReplaced(Append("normal")),
            ],
            population=children + 1,
            strength=STRENGTH,
            cap="4GiB",
            seed=seed,
        )
        found.append(evolved(run, task, seed, last, bar, look=look))
    return Report(
        f"Frostbite, {last} generations of {children} children: mean return",
        [
            ("seed", "generations", "evaluations", "game frames", "score", "held out"),
            *(
                (
                    one.seed,
                    one.generations,
                    one.evaluations,
                    one.looks[-1][0],
                    one.score,
                    one.looks[-1][1],
                )
                for one in found
            ),
        ],
        (),
        {
            "seeds": shown_seeds(numbers),
            "evaluations": num_evaluations(found),
            "frames": sum(one.looks[-1][0] for one in found),
            "curves": {str(one.seed): one.curve for one in found},
        },
        "one night on 10 workers gets to about 1,700 points; a published run got to 4,536",
    )
