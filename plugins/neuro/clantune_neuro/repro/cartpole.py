"""The claim that a small network learns CartPole-v1 within a few generations."""

from __future__ import annotations

import attrs

from clantune_neuro.gates import Report, at_least
from clantune_neuro.networks.linear import LinearPolicy
from clantune_neuro.repro.runs import Bar, Progress, seeds_from, shown_seeds
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.strategies.append import Append
from clantune_neuro.tasks.gym import Gym
from clantune_strategies import Dominant, KeepBest, TopN, Tournament, WhenReplaced

PARENTS, MEMBERS = 8, 32
STRENGTH = 0.6
GOAL = 475.0
"""The mean return at which CartPole-v1 counts as solved."""


@attrs.frozen
class Played:
    """What one run came to.

    Attributes:
        seed: Its seed.
        generations: Number of the last generation.
        evaluations: Number of networks that were evaluated.
        frames: Number of game frames.
        held_out: Mean return of held-out episodes, of the best member.
    """

    seed: int
    generations: int
    evaluations: int
    frames: int
    held_out: float


def measure(
    *, seeds: int, first_seed: int, quick: bool, generations: int, episodes: int, progress: Progress
) -> Report:
    """Evolve a network with 16 hidden units on CartPole-v1.

    Args:
        seeds: Number of runs.
        first_seed: The first of their seeds.
        quick: Take 10 generations of 16 members and a goal of 50 instead.
        generations: The generation at which a run ends without a solution.
        episodes: Number of held-out episodes.
        progress: Is told how much is done, and of how much.
    """
    members, last, goal = (16, 10, 50.0) if quick else (MEMBERS, generations, GOAL)
    numbers = seeds_from(first_seed, seeds)
    bar = Bar(progress, seeds, last)
    found = [_played(seed, members, last, goal, episodes, bar) for seed in numbers]
    return Report(
        f"CartPole-v1, {members} members: held-out mean of {episodes} episodes",
        [
            ("seed", "generations", "evaluations", "frames", "held out"),
            *(attrs.astuple(one) for one in found),
        ],
        [
            at_least(
                f"seeds that reach {goal:g} within {last} generations",
                sum(one.held_out >= goal for one in found),
                seeds,
            )
        ],
        {
            "seeds": shown_seeds(numbers),
            "evaluations": sum(one.evaluations for one in found),
            "frames": sum(one.frames for one in found),
        },
        "a genetic algorithm keeps the pole up on episodes that it has not seen",
    )


def _played(seed: int, members: int, last: int, goal: float, episodes: int, bar: Bar) -> Played:
    """Evolve until the best member reaches the goal on held-out episodes too."""
    task = Gym("CartPole-v1", episodes=3, seed=seed)
    best = KeepBest(TopN(PARENTS, Tournament(1, 1)), 1)
    run = Evolve(
        LinearPolicy(4, hidden=16, classes=2),
        task,
        [best, Dominant(), WhenReplaced(Append("normal"))],
        population=members,
        strength=STRENGTH,
        seed=seed,
    )
    held_out = float("-inf")
    while run.generation < last and held_out < goal:
        done = run.step()
        bar.at(done.number)
        if run.best.score >= goal or done.number == last:
            task_held_out = task.held_out(episodes)
            held_out = run.score(str(run.best.lineage), task=task_held_out).base
    bar.end_run()
    return Played(seed, run.generation, run.evaluations, run.progress.frames, held_out)
