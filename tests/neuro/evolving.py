"""Small runs that several tests use: their rules, network and tasks."""

import attrs
import torch
from torch import nn

from clantune_neuro import Append, Score, Task
from clantune_neuro.run.evolve import Evolve
from clantune_strategies import Dominant, Everyone, KeepBest, Perturb, TopN, WhenReplaced


def rules(keep=2):
    """Return rules with averaging of strengths over two parents."""
    selection = KeepBest(TopN(2, Everyone()), keep)
    return [selection, Dominant(), WhenReplaced(Perturb()), WhenReplaced(Append("normal"))]


@attrs.frozen
class Near(Task):
    """The nearer the outputs are to a target, the better."""

    target: float = 3.0

    def score(self, network, context):
        error = (network(torch.ones(1, 3)) - self.target).square().sum()
        return Score(-error, intrinsic=-error / 2, frames=5)


@attrs.frozen
class Shifting(Near):
    """Its target depends on the generation."""

    noisy = True

    def score(self, network, context):
        return Near(self.target + context.generation).score(network, context)


@attrs.frozen
class Deadly(Near):
    """Kills about a third of the networks."""

    def score(self, network, context):
        found = super().score(network, context)
        return Score(float("nan")) if round(found.base * 1000) % 3 == 1 else found


@attrs.frozen
class Failing(Near):
    """Raises an error in generation 2."""

    def score(self, network, context):
        if context.generation == 2:
            raise RuntimeError("no points")
        return super().score(network, context)


@attrs.frozen
class Reachable(Near):
    """A score of -25 is perfect."""

    perfect = -25.0


def network():
    return nn.Linear(3, 2)


def run(task=None, **arguments):
    """Return a run of eight small networks."""
    given = {"strategies": rules(), "population": 8, "seed": 3} | arguments
    return Evolve(network(), Near() if task is None else task, **given)


def lineages(population):
    return [str(member.alleles["weights"].value) for member in population]
