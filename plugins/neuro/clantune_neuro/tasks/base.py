"""The base class of tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import attrs

from clantune_neuro.errors import TaskError
from clantune_neuro.tasks.score import Score

Network = Callable[..., Any]
"""A network as a task sees it: a function from points to logits or to an `Answer`."""


@attrs.frozen
class TaskContext:
    """What a task may depend on besides the network, equal for all members of a generation.

    Attributes:
        generation: Number of the generation, from 0.
        seed: Seed of the run, for draws that should differ from run to run.
    """

    generation: int = 0
    seed: int = 0


class Task(ABC):
    """Scores a network. A subclass writes `score`.

    The same network and context give the same score. A task that draws derives its draws from its
    own seed and the context, and never from the global generators of torch or Python.
    """

    @property
    def noisy(self) -> bool:
        """Whether the score of a network depends on the generation.

        A run evaluates the members that it keeps again if it does.
        """
        return False

    @property
    def perfect(self) -> float | None:
        """The base score that no network can exceed, or `None` if there is none."""
        return None

    @property
    def sizes(self) -> tuple[tuple[int, ...], int] | None:
        """The shape of a point and the number of logits, or `None` if they are not known."""
        return None

    def held_out(self) -> Task | None:
        """Return the task of what no selection sees, or `None` if nothing is held out."""
        return None

    @abstractmethod
    def score(self, network: Network, context: TaskContext) -> Score:
        """Return the score of one network. Higher is better.

        Args:
            network: A function from points to logits, or to an `Answer`.
            context: The generation and the seed of the run.
        """

    def __call__(self, network: Network, context: TaskContext | None = None) -> Score:
        """Return the score of one network, and check that it is one.

        Args:
            network: A function from points to logits, or to an `Answer`.
            context: The generation and the seed of the run. `None` means the first generation.

        Raises:
            TaskError: `score` returned something else than a score.
        """
        score: object = self.score(network, context or TaskContext())
        if not isinstance(score, Score):
            name = type(self).__name__
            raise TaskError(
                f"{name}.score returned {type(score).__name__}; "
                "return clantune_neuro.Score(base=...), higher is better"
            )
        return score
