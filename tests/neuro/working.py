"""Runs, tasks and executors of the tests of executors. Workers import this module."""

import functools
import os
import signal
from concurrent.futures import Future
from pathlib import Path

import attrs
import torch
from torch import nn

from clantune_neuro import Score, Task
from clantune_neuro.evaluation.record import Record
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.run.members import lineage_of
from clantune_neuro.strategies.append import Append
from clantune_neuro.tasks import Memorise
from clantune_strategies import Dominant, KeepBest, TopN, Tournament, WhenReplaced

GENERATIONS = 5
POINTS = Memorise(points=64, inputs=(16,), classes=4, loss="cross_entropy")


def evolve(executor=None, task=POINTS, *, parents=4, **arguments):
    """Return a run of 24 small networks in chunks of 5."""
    kept = KeepBest(TopN(parents, Tournament(1, 1)), parents)
    rules = [kept, Dominant(), WhenReplaced(Append("normal"))]
    given = {"population": 24, "chunk": 5, "strength": 0.05, "seed": 3, **arguments}
    return Evolve(network(), task, rules, executor=executor, **given)


def network():
    """Return the network of these runs."""
    return nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 4))


def history(run, generations=GENERATIONS):
    """Return the lineages and scores of each generation. The run goes on if it has begun."""
    lines = []
    run.until(generations - 1, report=lambda _: lines.append(line_of(run)))
    return lines


def line_of(run):
    members = [(str(lineage_of(one)), Record.of(one).base.hex()) for one in run.population]
    return [list(member) for member in members]


@functools.cache
def serial(**arguments):
    """Return the history of a run in this process."""
    return history(evolve(**arguments))


@attrs.frozen
class Fails(Task):
    """Raises an error in generation 2, on a network whose answers are high."""

    above: float = -0.15

    def score(self, network, context):
        answers = network(torch.ones(1, 16)).sum()
        if context.generation == 2 and answers > self.above:
            raise KeyError("reward")
        return Score(answers)


@attrs.frozen
class Kills(Task):
    """Scores as `POINTS` does, and kills its process in generation 2 while it may do so."""

    folder: str
    times: int = 1
    whoever: int = 0

    def score(self, network, context):
        if context.generation == 2 and os.getpid() != self.whoever and self._next():
            os.kill(os.getpid(), signal.SIGKILL)
        return POINTS.score(network, context)

    def _next(self):
        for number in range(self.times):
            try:
                Path(self.folder, str(number)).touch(exist_ok=False)
            except FileExistsError:
                continue
            return True
        return False


@attrs.frozen
class Large(Task):
    """Scores as `POINTS` does, and holds a megabyte of data."""

    data: torch.Tensor = attrs.field(factory=lambda: torch.zeros(2**18))

    def score(self, network, context):
        return POINTS.score(network, context)


class Local(Task):
    """A task that a worker cannot import."""

    def score(self, network, context):
        return Score(0.0)


class Counts:
    """Hands chunks to another executor, and counts what is sent."""

    def __init__(self, executor):
        self.executor = executor
        self.supplies = []
        self.sent = 0

    def submit(self, function, key, chunk, supplies):
        self.sent += 1
        self.supplies += [(name, len(data)) for name, data in supplies.items()]
        return self.executor.submit(function, key, chunk, supplies)


class Here:
    """Scores in this process when asked to, after errors that it is given."""

    def __init__(self, *errors):
        self.errors = list(errors)

    def submit(self, function, *arguments):
        future = Future()
        error = self.errors.pop(0) if self.errors else None
        if error is None:
            future.set_result(function(*arguments))
        else:
            future.set_exception(error)
        return future
