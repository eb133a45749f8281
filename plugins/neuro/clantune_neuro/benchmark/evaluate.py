"""Evaluation of a population of small networks, and a whole generation beside EvoTorch's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs

from clantune_neuro.benchmark import forms
from clantune_neuro.benchmark.generation import RIVAL, ours, rival, rival_said, rival_there
from clantune_neuro.benchmark.turns import Times, in_turns, one_thread
from clantune_neuro.gates import Gate, Line, Report, at_least
from clantune_neuro.networks.linear import LinearPolicy

SHARED = 5.0
"""The form `shared` is at least this many times as fast as the form `loop`."""

AGAINST_RIVAL = {"normal": 2.0, "rank-1": 4.0}
"""A generation of these genes is at least this many times as fast as EvoTorch's."""

FORMS = {"normal": "vmap", "rank-1": "shared"}
"""The form in which children by these genes are evaluated."""


@attrs.frozen
class Found:
    """Times at one number of points.

    Attributes:
        points: Number of points.
        forms: The times of evaluating the children of one parent, by form.
        generations: The times of a generation, by operator, and those of EvoTorch.
    """

    points: int
    forms: dict[str, Times]
    generations: dict[str, Times]

    def lines(self) -> Iterator[Line]:
        """Yield a row for each figure, with how many times as fast it is."""
        for name, times in self.forms.items():
            yield self._line(f"evaluation, {name}", times, self.forms["loop"], "loop")
        for name, times in self.generations.items():
            what = "GeneticAlgorithm.step, EvoTorch" if name == RIVAL else f"generation, {name}"
            yield self._line(what, times, self.generations.get(RIVAL), RIVAL)

    def gates(self) -> Iterator[Gate]:
        """Yield the ratios of medians with their limits."""
        ratio = self.forms["loop"].median / self.forms["shared"].median
        yield at_least(f"{self.points} points: loop / shared", ratio, SHARED)
        if RIVAL in self.generations:
            step = self.generations[RIVAL].median
            for name, limit in AGAINST_RIVAL.items():
                ratio = step / self.generations[name].median
                yield at_least(f"{self.points} points: EvoTorch / {name}", ratio, limit)

    def _line(self, what: str, times: Times, base: Times | None, name: str) -> Line:
        ratio = "" if base is None else f"{base.median / times.median:.2f} x {name}"
        return (self.points, what, times.shortest, times.median, ratio)


def measure(
    *,
    population: int,
    inputs: int,
    hidden: int,
    batches: Sequence[int],
    repeats: int,
    seed: int = 0,
    progress: Callable[[int, int], None],
) -> Report:
    """Time every form on the children of one parent, and a whole generation.

    Args:
        population: Number of members.
        inputs: Values per point.
        hidden: Width of the hidden layer.
        batches: Numbers of points.
        repeats: Turns of each form, and of each generation.
        seed: Seed of points, births and genes.
        progress: Is told how many numbers of points are done, and of how many.
    """
    network = LinearPolicy(inputs, hidden=hidden, classes=10)
    family = forms.litter(network, population, seed)
    found = []
    with one_thread():
        for number, points in enumerate(batches):
            task = forms.task(network, points, seed)
            evaluated = forms.times(network, family, task, repeats)
            steps: dict[str, Callable[[], object]] = {
                name: ours(
                    network, task, population=population, operator=name, form=form, seed=seed
                )
                for name, form in FORMS.items()
            }
            if rival_there():
                steps[RIVAL] = rival(network, task, population=population)
            found.append(Found(points, evaluated, in_turns(steps, repeats, warm=False)))
            progress(number + 1, len(batches))
    return Report(
        f"Evaluation of {population:,} networks, {inputs}-{hidden}-10, in milliseconds",
        [
            ("points", "what", "shortest", "median", "times as fast"),
            *(line for each in found for line in each.lines()),
        ],
        [gate for each in found for gate in each.gates()],
        {"seed": seed, "turns": repeats, RIVAL: rival_said()},
        "children of one parent share its activations, and a generation is faster than EvoTorch's",
    )
