"""An answer to the open question of the notes: the loss `till_death` on a plain dense network."""

from __future__ import annotations

from clantune_neuro.gates import Report
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.tensors import Birth
from clantune_neuro.networks.linear import LinearPolicy
from clantune_neuro.repro import units
from clantune_neuro.repro.runs import (
    Bar,
    Progress,
    evolved,
    median_generations,
    num_evaluations,
    num_solved,
    seeds_from,
    shown_seeds,
)
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.strategies.lexicographic import Lexicographic
from clantune_neuro.tasks.memorise import Memorise
from clantune_strategies import Dominant, KeepBest, TopN, Tournament, WhenReplaced

FEATURES, CLASSES = 128, 10
ELITES, CHILDREN = 16, 64
UNIT = 24
"""Weights count in units of 2^-24."""


def measure(
    *,
    seeds: int,
    first_seed: int,
    quick: bool,
    trace: bool,
    points: int,
    hidden: int,
    threshold: float,
    generations: int,
    progress: Progress,
) -> Report:
    """Evolve a network with one hidden layer, of which a gene replaces one unit.

    A hidden unit is born with a row of norm 1 and a negative bias, so that it is active at few of
    the points. A new unit then changes few answers and leaves all others as they are.

    Args:
        seeds: Number of runs.
        first_seed: The first of their seeds.
        quick: Take 4 points, 32 units and 12 generations at most instead.
        trace: Whether genes use which unit is the most active at the first wrong answer.
        points: Number of points, a multiple of 32.
        hidden: Number of hidden units.
        threshold: Minus the bias of a hidden unit, in standard deviations of what it sums up.
        generations: The generation at which a run ends without a solution.
        progress: Is told how much is done, and of how much.
    """
    points, hidden, last = (4, 32, 12) if quick else (points, hidden, generations)
    numbers = seeds_from(first_seed, seeds)
    bar = Bar(progress, seeds, last)
    found = []
    for seed in numbers:
        task = Memorise(points=points, batch=min(32, points), classes=CLASSES, seed=seed)
        found.append(evolved(_run(task, hidden, threshold, trace, seed), task, seed, last, bar))
    form = "with a trace" if trace else "without a trace"
    return Report(
        f"{points} points on the loss till_death, {hidden} hidden units, {form}",
        [
            ("seed", "generations", "evaluations", "seconds", "right"),
            *(
                (one.seed, one.generations, one.evaluations, one.seconds, one.score)
                for one in found
            ),
        ],
        (),
        {
            "seeds": shown_seeds(numbers),
            "solved": f"{num_solved(found)} of {seeds}",
            "median generations": median_generations(found),
            "evaluations": num_evaluations(found),
            "curves": {str(one.seed): one.curve for one in found},
        },
        "units that are active at few points let a plain dense network learn all answers in order",
    )


def _run(task: Memorise, hidden: int, threshold: float, trace: bool, seed: int) -> Evolve:
    kind = units.ActiveUnits if trace else LinearPolicy
    network = kind(FEATURES, hidden=hidden, classes=CLASSES, bias=True)
    births = {
        "hidden.weight": Birth("unit"),
        "hidden.bias": Birth("constant", round(-threshold * 2**UNIT)),
        "out.weight": Birth("normal", 0),
    }
    best = KeepBest(TopN(ELITES, Tournament(1, 1)), ELITES)
    return Evolve(
        network,
        task,
        [Lexicographic(best), Dominant(), WhenReplaced(units.ReplaceUnit(trace))],
        population=ELITES + CHILDREN,
        blueprint=Blueprint.of(
            network, births=births, operators=[units.FRESH, units.COLUMN], unit=UNIT
        ),
        seed=seed,
    )
