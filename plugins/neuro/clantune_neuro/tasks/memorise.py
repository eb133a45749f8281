"""Random points with random labels, which a network can only learn by heart."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import attrs
import numpy as np
import torch

from clantune_neuro.draws import integers, normal
from clantune_neuro.errors import TaskError
from clantune_neuro.networks.answer import Answer
from clantune_neuro.tasks.base import TaskContext
from clantune_neuro.tasks.intrinsic import intrinsic_named, with_intrinsic
from clantune_neuro.tasks.losses import Loss, loss_named
from clantune_neuro.tasks.points import Points, PointsTask
from clantune_neuro.tasks.score import Score


def _at_least_one(_task: Any, attribute: attrs.Attribute[int], value: int) -> None:
    if value < 1:
        raise TaskError(f"Memorise: {attribute.alias} is {value}; it must be at least 1")


def _shape(sizes: Iterable[int]) -> tuple[int, ...]:
    return tuple(sizes)


@attrs.frozen(slots=False)
class Memorise(PointsTask):
    """Points of the standard normal distribution with uniform labels, drawn batch by batch.

    The data are a function of `seed`, `batch`, `inputs` and `classes`. More points begin with the
    same points as fewer. With a network that has a bank, the score carries a trace.

    Attributes:
        count: Number of points, a multiple of `batch`. The argument is called `points`.
        inputs: Shape of one point.
        classes: Number of labels.
        batch: Number of points per batch. The loss `wrong` counts wrong answers per batch.
        loss: `cross_entropy`, `wrong` or `till_death`.
        seed: Seed of the data.
        intrinsic: What decides between members of equal base: `rows`, `similarity`, `notes`, or
            `None` for nothing.
    """

    count: int = attrs.field(default=64, alias="points", validator=_at_least_one)
    inputs: tuple[int, ...] = attrs.field(default=(128,), converter=_shape)
    classes: int = attrs.field(default=10, validator=_at_least_one)
    batch: int = attrs.field(default=32, validator=_at_least_one)
    loss: str = "till_death"
    seed: int = 0
    intrinsic: str | None = None

    def __attrs_post_init__(self) -> None:
        """Check what depends on more than one argument.

        Raises:
            TaskError: The loss or the intrinsic score is unknown, or the points are not a whole
                number of batches.
        """
        loss_named(self.loss)
        if self.intrinsic is not None:
            intrinsic_named(self.intrinsic)
        if self.count % self.batch:
            raise TaskError(
                f"Memorise: {self.count} points are not a whole number of batches of {self.batch}; "
                f"change points, or pass batch={self.count}"
            )

    @property
    def perfect(self) -> float | None:
        """The base score of a network that gives every label."""
        return self._loss.perfect(self.count)

    @property
    def sizes(self) -> tuple[tuple[int, ...], int]:
        """The shape of a point and the number of labels."""
        return self.inputs, self.classes

    def points(self, context: TaskContext) -> Points:  # noqa: ARG002
        """Return the points, equal in every generation."""
        return self._points

    def judge(self, answers: Answer, points: Points) -> list[Score]:
        """Return the score of each member."""
        scores = self._loss.scores(answers, points.y, self.count // self.batch)
        return scores if self.intrinsic is None else with_intrinsic(scores, self.intrinsic, answers)

    @property
    def _loss(self) -> Loss:
        return loss_named(self.loss)

    @cached_property
    def _points(self) -> Points:
        batches = range(self.count // self.batch)
        shape = (self.batch, *self.inputs)
        x = [normal((self.seed, "memorise x", number), shape) for number in batches]
        y = [
            integers((self.seed, "memorise y", number), self.batch, self.classes)
            for number in batches
        ]
        return Points(torch.from_numpy(np.concatenate(x)), torch.from_numpy(np.concatenate(y)))
