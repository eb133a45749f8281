"""The claim that a genetic algorithm learns handwritten digits, and best by averaging parents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from clantune_neuro import recipes
from clantune_neuro.gates import Report, at_least
from clantune_neuro.lineage.gene import CHARACTERS
from clantune_neuro.networks.linear import LinearPolicy
from clantune_neuro.repro.runs import (
    Bar,
    Outcome,
    Progress,
    evolved,
    num_evaluations,
    seeds_from,
    shown_seeds,
)
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.tasks.datasets import digits
from clantune_neuro.tasks.labelled import Labelled

PARENTS, CHILDREN = 64, 256
LIMITS: Mapping[str, float] = MappingProxyType({"average": 0.92, "asexual": 0.85})
"""The recipes, and what the best member of each must reach on held-out digits."""

QUICK_LIMIT = 0.15
"""What both must reach in the quick form; chance is 0.1."""

NEEDED = 0.8
"""Fraction of the seeds that must reach it."""


def measure(
    *,
    seeds: int,
    first_seed: int,
    quick: bool,
    generations: int,
    operator: str,
    progress: Progress,
) -> Report:
    """Evolve a network with a hidden layer on handwritten digits, by two recipes.

    Beside the held-out accuracy of the best member, the table has that of its lineage before its
    last step: with the recipe `average`, the mean of the parents, which is not a member.

    Args:
        seeds: Number of runs of each recipe.
        first_seed: The first of their seeds.
        quick: Take 32 children, 40 generations and a lower limit instead.
        generations: Generations of each run.
        operator: The operator of new genes.
        progress: Is told how much is done, and of how much.
    """
    parents, children, last = (8, 32, 40) if quick else (PARENTS, CHILDREN, generations)
    limits = dict.fromkeys(LIMITS, QUICK_LIMIT) if quick else LIMITS
    task = Labelled(digits())
    held_out = task.held_out()
    numbers = seeds_from(first_seed, seeds)
    bar = Bar(progress, len(LIMITS) * seeds, last)
    found: dict[str, list[Outcome]] = {}
    for name in LIMITS:
        found[name] = [
            evolved(
                Evolve(
                    LinearPolicy(64, hidden=128, classes=10, bias=True),
                    task,
                    recipes.find(name, parents=parents, children=children, operator=operator),
                    form="shared" if operator == "rank-1" else "vmap",
                    seed=seed,
                ),
                task,
                seed,
                last,
                bar,
                look=partial(_held_out, task=held_out),
            )
            for seed in numbers
        ]
    return Report(
        f"Held-out digits after {last} generations of {children}, operator {operator}",
        [
            ("recipe", "seed", "evaluations", "cross-entropy", "held out", "before the last step"),
            *(
                (name, one.seed, one.evaluations, -one.score, *one.looks[-1])
                for name, outcomes in found.items()
                for one in outcomes
            ),
        ],
        [
            at_least(
                f"seeds whose best member of {name} gets {limit:g} of held-out digits right",
                sum(one.looks[-1][0] >= limit for one in found[name]),
                math.ceil(NEEDED * seeds),
            )
            for name, limit in limits.items()
        ],
        {
            "seeds": shown_seeds(numbers),
            "evaluations": sum(map(num_evaluations, found.values())),
            "curves": {
                name: {str(one.seed): one.curve for one in outcomes}
                for name, outcomes in found.items()
            },
        },
        "the mean of all parents learns more than the best of them, with neither gradient nor "
        "minibatch",
    )


def _held_out(run: Evolve, task: Labelled) -> tuple[float, float]:
    """Return the accuracies of the best member, and of what it was before its last step."""
    lineage = str(run.best.lineage)
    return run.score(lineage, task=task).base, run.score(lineage[:-CHARACTERS], task=task).base
