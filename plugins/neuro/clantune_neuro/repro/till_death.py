"""The claim that duplication of rows solves the loss `till_death`, which the notes never solved."""

from __future__ import annotations

import attrs

from clantune_neuro import recipes
from clantune_neuro.gates import Gate, Report, at_least, at_most
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.tensors import Birth
from clantune_neuro.networks.heads import Heads
from clantune_neuro.repro import row_addition
from clantune_neuro.repro.runs import (
    Bar,
    Outcome,
    Progress,
    evolved,
    median_generations,
    num_evaluations,
    num_solved,
    seeds_from,
    shown_seeds,
)
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.strategies.append import Append
from clantune_neuro.strategies.lexicographic import Lexicographic
from clantune_neuro.tasks.memorise import Memorise
from clantune_strategies import Dominant, KeepBest, TopN, Tournament, WhenReplaced

FEATURES, CLASSES = 128, 10
ELITES, CHILDREN = 16, 64
POINTS = 64
"""The number of points for which the median of the generations has a limit."""

LIMIT = 150
"""The limit of that median, with the trace."""


@attrs.frozen
class Problem:
    """What is to be solved, and how.

    Attributes:
        points: Number of points.
        heads: Rows of the bank.
        loss: The loss: `"till_death"`, or `"wrong"` for the argmax loss.
        blind: Whether duplication draws both rows at random instead of using the trace.
    """

    points: int
    heads: int
    loss: str
    blind: bool

    @property
    def generations(self) -> int:
        """The generation at which a run ends without a solution."""
        if self.blind:
            return 6_000
        return 400 if self.points <= POINTS else 700

    def run(self, seed: int) -> Evolve:
        """Return the run of duplication."""
        recipe = recipes.blind if self.blind else recipes.duplicate
        return Evolve(
            self._network(),
            self.task(seed),
            recipe(elites=ELITES, children=CHILDREN),
            seed=seed,
        )

    def addition(self, seed: int) -> Evolve:
        """Return the run of the notes: all weights begin at 0, and each child adds to one row."""
        network = self._network()
        zero = dict.fromkeys(network.bank, Birth("constant", 0))
        best = KeepBest(TopN(ELITES, Tournament(1, 1)), ELITES)
        return Evolve(
            network,
            self.task(seed),
            [Lexicographic(best), Dominant(), WhenReplaced(Append(row_addition.NAME))],
            population=ELITES + CHILDREN,
            strength=1.0,
            blueprint=Blueprint.of(network, births=zero, operators=[row_addition.NAME]),
            seed=seed,
        )

    def _network(self) -> Heads:
        return Heads(self.heads, features=FEATURES, classes=CLASSES)

    def task(self, seed: int) -> Memorise:
        """Return the points of a seed."""
        batch = min(32, self.points)
        return Memorise(
            points=self.points,
            inputs=(FEATURES,),
            classes=CLASSES,
            batch=batch,
            loss=self.loss,
            seed=seed,
        )

    def right(self, outcome: Outcome) -> int:
        """Return the number of right answers that the loss counts."""
        if self.loss == "till_death":
            return round(outcome.score)
        batches = self.points // min(32, self.points)
        return self.points + round(outcome.score * batches)


def measure(
    *,
    seeds: int,
    first_seed: int,
    quick: bool,
    blind: bool,
    loss: str,
    points: int,
    heads: int,
    progress: Progress,
) -> Report:
    """Evolve a bank with duplication, and beside it with the notes' addition.

    Args:
        seeds: Number of runs of each.
        first_seed: The first of their seeds.
        quick: Solve 4 points with 8 rows instead.
        blind: Draw both rows of a duplication at random, without any trace.
        loss: `"till_death"` or `"argmax"`.
        points: Number of points.
        heads: Rows of the bank.
        progress: Is told how much is done, and of how much.
    """
    points, heads = (4, 8) if quick else (points, heads)
    problem = Problem(points, heads, "wrong" if loss == "argmax" else loss, blind)
    numbers = seeds_from(first_seed, seeds)
    bar = Bar(progress, 2 * seeds, problem.generations)
    ours, notes = [], []
    for seed in numbers:
        task, last = problem.task(seed), problem.generations
        ours.append(evolved(problem.run(seed), task, seed, last, bar))
        last = max(1, ours[-1].generations)
        notes.append(evolved(problem.addition(seed), task, seed, last, bar))
    form = "without a trace" if blind else "with the trace"
    return Report(
        f"{points} points on the loss {loss}, {heads} rows, {form}",
        [
            ("seed", "generations", "evaluations", "seconds", "right", "by the notes' addition"),
            *(
                (
                    *(one.seed, one.generations, one.evaluations, one.seconds, problem.right(one)),
                    problem.right(two),
                )
                for one, two in zip(ours, notes, strict=True)
            ),
        ],
        _gates(problem, ours),
        {
            "seeds": shown_seeds(numbers),
            "median generations": median_generations(ours),
            "evaluations": num_evaluations(ours),
            "evaluations of the notes' addition": num_evaluations(notes),
            "solved by the notes' addition": f"{num_solved(notes)} of {seeds}",
            "curves": {str(one.seed): one.curve for one in ours},
        },
        f"duplication of rows, {form}, gives all {points} right answers",
    )


def _gates(problem: Problem, outcomes: list[Outcome]) -> list[Gate]:
    solved = at_least(
        f"solved within {problem.generations:,} generations", num_solved(outcomes), len(outcomes)
    )
    if problem.blind or problem.points != POINTS:
        return [solved]
    return [solved, at_most("median generations", median_generations(outcomes), LIMIT)]
