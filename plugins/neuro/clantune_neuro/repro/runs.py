"""Runs of a claim: one per seed and scheme, with what each came to."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Container, Sequence
from typing import Any, TypeAlias

import attrs

from clantune_neuro.run.evolve import Evolve
from clantune_neuro.run.generation import Generation
from clantune_neuro.tasks.base import Task

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


@attrs.frozen
class Outcome:
    """What one run came to.

    Attributes:
        seed: Its seed.
        generations: Number of the last generation.
        evaluations: Number of networks that were evaluated.
        score: The best base score of the last generation.
        solved: Whether the score is perfect.
        seconds: Processor seconds that it took.
        curve: The best base score of each generation, beginning with the births.
        looks: What was measured at some generations, and at the end.
    """

    seed: int
    generations: int
    evaluations: int
    score: float
    solved: bool
    seconds: float
    curve: tuple[float, ...] = ()
    looks: tuple[Any, ...] = ()


@attrs.define
class Bar:
    """Progress over several runs of the same length at most.

    Attributes:
        show: Is told how much is done, and of how much.
        runs: Number of runs.
        length: The largest number of generations or epochs of a run.
        done: Number of runs that have ended.
    """

    show: Progress
    runs: int
    length: int
    done: int = 0

    def at(self, number: int) -> None:
        """Show how far the current run is."""
        self.show(self.done * self.length + number, self.runs * self.length)

    def end_run(self) -> None:
        """Show that the current run has ended."""
        self.done += 1
        self.at(0)


def evolved(
    run: Evolve,
    task: Task,
    seed: int,
    generations: int,
    bar: Bar,
    *,
    look: Callable[[Evolve], Any] | None = None,
    look_at: Container[int] = (),
    go_on: bool = False,
) -> Outcome:
    """Return what a run comes to, at its last generation or at a perfect score.

    Args:
        run: The run.
        task: Its task.
        seed: Its seed.
        generations: Number of the last generation.
        bar: Shows progress.
        look: Returns what is measured.
        look_at: The generations at which it is measured, besides the last one.
        go_on: Whether the run goes on after a perfect score.
    """
    curve: list[float] = []
    looks: list[Any] = []
    began = time.process_time()

    def remember(done: Generation) -> None:
        curve.append(float("nan") if done.best is None else done.best)
        bar.at(done.number)
        if look is not None and done.number in look_at:
            looks.append(look(run))

    while go_on and run.generation < generations:
        remember(run.step())
    best = run.until(generations, report=remember)
    seconds = time.process_time() - began
    perfect = task.perfect
    if look is not None and run.generation not in look_at:
        looks.append(look(run))
    bar.end_run()
    return Outcome(
        seed,
        run.generation,
        run.evaluations,
        best.score,
        perfect is not None and best.score >= perfect,
        round(seconds, 2),
        tuple(curve),
        tuple(looks),
    )


def seeds_from(first: int, count: int) -> range:
    """Return consecutive seeds."""
    return range(first, first + count)


def shown_seeds(seeds: range) -> str:
    """Return seeds as a text, such as `"0 to 19"`."""
    return f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"


def median_generations(outcomes: Sequence[Outcome]) -> float:
    """Return the median number of generations to the solution; infinite for runs without one."""
    return statistics.median(
        outcome.generations if outcome.solved else float("inf") for outcome in outcomes
    )


def num_solved(outcomes: Sequence[Outcome]) -> int:
    """Return how many runs are solved."""
    return sum(outcome.solved for outcome in outcomes)


def num_evaluations(outcomes: Sequence[Outcome]) -> int:
    """Return the number of evaluations of all runs."""
    return sum(outcome.evaluations for outcome in outcomes)
