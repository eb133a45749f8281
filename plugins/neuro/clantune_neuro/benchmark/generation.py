"""A whole generation: breeding, weights and evaluation, here and in EvoTorch."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import logging
from collections.abc import Callable
from importlib import metadata

from torch import Tensor, nn

from clantune_neuro.run.evolve import Evolve
from clantune_neuro.strategies.append import Append
from clantune_neuro.tasks.base import TaskContext
from clantune_neuro.tasks.memorise import Memorise
from clantune_strategies import Dominant, TopN, Tournament

RIVAL = "EvoTorch"
STRENGTH = 0.02
PARENTS = 16
"""Number of parents of a generation, drawn for each child."""


def ours(
    network: nn.Module, task: Memorise, *, population: int, operator: str, form: str, seed: int
) -> Callable[[], object]:
    """Return a function that breeds and evaluates one generation of a run that has begun.

    Args:
        network: The network.
        task: What networks are scored on.
        population: Number of members, which are one chunk.
        operator: Name of the operator of the gene that each child gets.
        form: How members are evaluated.
        seed: Seed of the run.
    """
    run = Evolve(
        network,
        task,
        [TopN(min(PARENTS, population), Tournament(1, 1)), Dominant(), Append(operator)],
        population=population,
        strength=STRENGTH,
        seed=seed,
        form=form,
        chunk=population,
    )
    run.step()
    return run.step


def rival(network: nn.Module, task: Memorise, *, population: int) -> Callable[[], object]:
    """Return EvoTorch's step of a genetic algorithm that evaluates each solution once.

    It mutates dense populations with normal noise of the same strength, and keeps the best half.
    """
    neuroevolution = importlib.import_module("evotorch.neuroevolution")
    algorithms = importlib.import_module("evotorch.algorithms")
    operators = importlib.import_module("evotorch.operators")
    data = importlib.import_module("torch.utils.data")
    logging.getLogger("evotorch").setLevel(logging.WARNING)
    points = task.points(TaskContext())
    problem = neuroevolution.SupervisedNE(
        data.TensorDataset(points.x, points.y),
        lambda: copy.deepcopy(network),
        _wrong,
        minibatch_size=len(points.y),
        common_minibatch=True,
        num_actors=0,
    )
    mutation = operators.GaussianMutation(problem, stdev=STRENGTH)
    step: Callable[[], object] = algorithms.GeneticAlgorithm(
        problem, popsize=population, operators=[mutation], re_evaluate=False
    ).step
    step()
    return step


def rival_there() -> bool:
    """Return whether EvoTorch is installed."""
    return importlib.util.find_spec("evotorch") is not None


def rival_said() -> str:
    """Return the version of EvoTorch, or how to install it."""
    if rival_there():
        return metadata.version("evotorch")
    return "not installed, so generations are not compared; `pip install evotorch` installs it"


def _wrong(answers: Tensor, labels: Tensor) -> Tensor:
    """Return the number of wrong answers."""
    return answers.argmax(1).ne(labels).float().sum()
