"""The claim that Adam learns the random pictures in about 100 epochs, for comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs
import torch
from torch.nn import functional

from clantune_neuro.gates import Report, at_least
from clantune_neuro.repro.runs import Bar, Progress, seeds_from, shown_seeds
from clantune_neuro.repro.schemes import BATCH, SMALL, Size
from clantune_neuro.tasks.base import TaskContext

GOAL, QUICK_GOAL = 1e-5, 1.0
"""The cross-entropy to reach, and that of the quick form."""

MANY, FEW = 512, 64
"""Numbers of points. The gate is on the larger one."""

NEEDED = 0.8
"""Fraction of the seeds that must reach the goal."""


@attrs.frozen
class Training:
    """What one training came to.

    Attributes:
        rate: The learning rate.
        epochs: The epoch that reached the goal, or the last one.
        steps: Number of steps until then.
        loss: Mean cross-entropy over the batches of that epoch.
        reached: Whether that is at most the goal.
    """

    rate: float
    epochs: int
    steps: int
    loss: float
    reached: bool

    @property
    def order(self) -> tuple[float, float]:
        """A key that is smallest for the best training."""
        return (self.epochs if self.reached else math.inf, self.loss)


def measure(
    *,
    seeds: int,
    first_seed: int,
    quick: bool,
    epochs: int,
    rates: Sequence[float],
    progress: Progress,
) -> Report:
    """Train with Adam, with several learning rates, on many points and on few.

    Args:
        seeds: Number of trainings with each learning rate.
        first_seed: The first of their seeds.
        quick: Take a small network, 64 and 32 points, and 60 epochs to a larger loss instead.
        epochs: The epoch that must reach the goal.
        rates: The learning rates. The best one counts.
        progress: Is told how much is done, and of how much.
    """
    goal, epochs, counts = (QUICK_GOAL, 60, (FEW, BATCH)) if quick else (GOAL, epochs, (MANY, FEW))
    size = SMALL if quick else Size()
    shown = ", ".join(f"{rate:g}" for rate in rates)
    numbers = seeds_from(first_seed, seeds)
    bar = Bar(progress, len(counts) * seeds * len(rates), epochs)
    found = {
        points: [
            [
                _trained(attrs.evolve(size, points=points), seed, rate, goal, epochs, bar)
                for rate in rates
            ]
            for seed in numbers
        ]
        for points in counts
    }
    best = {
        points: [min(tried, key=lambda one: one.order) for tried in trainings]
        for points, trainings in found.items()
    }
    return Report(
        f"Adam on {counts[0]} and on {counts[1]} points, best of the rates {shown}",
        _lines(numbers, best),
        [
            at_least(
                f"seeds that reach {goal:g} by epoch {epochs} with {counts[0]} points",
                sum(one.reached for one in best[counts[0]]),
                math.ceil(NEEDED * seeds),
            )
        ],
        {
            "seeds": shown_seeds(numbers),
            "steps": sum(one.steps for each in found.values() for all_ in each for one in all_),
            "trainings": {
                str(points): [[attrs.asdict(one) for one in tried] for tried in trainings]
                for points, trainings in found.items()
            },
        },
        "Adam gets to 1e-5 within about 100 epochs on 512 points, and within about 100 steps on 64",
    )


def _lines(
    seeds: Sequence[int], best: Mapping[int, Sequence[Training]]
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [("points", "seed", "rate", "epochs", "steps", "loss")]
    for points, trainings in best.items():
        rows += [
            (points, seed, one.rate, one.epochs, one.steps, one.loss)
            for seed, one in zip(seeds, trainings, strict=True)
        ]
    return rows


def _trained(size: Size, seed: int, rate: float, goal: float, epochs: int, bar: Bar) -> Training:
    """Train one network until it reaches the goal, and return what it came to."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = size.network(bias=True)
    points = size.task("cross_entropy", seed).points(TaskContext())
    batches = [*zip(points.x.split(BATCH), points.y.split(BATCH), strict=True)]
    adam = torch.optim.Adam(network.parameters(), lr=rate)
    mean, epoch = math.inf, 0
    while epoch < epochs and mean > goal:
        epoch += 1
        total = 0.0
        for x, y in batches:
            loss = functional.cross_entropy(network(x), y)
            adam.zero_grad()
            loss.backward()
            adam.step()
            total += loss.item()
        mean = total / len(batches)
        bar.at(epoch)
    bar.end_run()
    return Training(rate, epoch, epoch * len(batches), mean, mean <= goal)
