"""Classification of labelled points, with or without minibatches."""

from __future__ import annotations

from typing import Any

import attrs
import torch

from clantune_neuro.draws import permutation
from clantune_neuro.errors import TaskError
from clantune_neuro.networks.answer import Answer
from clantune_neuro.tasks.base import TaskContext
from clantune_neuro.tasks.datasets import Dataset
from clantune_neuro.tasks.losses import loss_named
from clantune_neuro.tasks.points import Points, PointsTask
from clantune_neuro.tasks.score import Score


def _known(_task: Any, _attribute: attrs.Attribute[str], value: str) -> None:
    loss_named(value)


@attrs.frozen
class Labelled(PointsTask):
    """Points of a data set. Fitness is measured on a minibatch, or on all of them.

    All members of a generation answer the same minibatch. The minibatches of an epoch are slices
    of one random order; points that do not fill a last minibatch wait for the next epoch.

    Attributes:
        dataset: The points.
        loss: `cross_entropy`, `accuracy`, `wrong` or `till_death`.
        batch: Number of points per minibatch, or `None` for all points in each generation.
        seed: Seed of the minibatches.
    """

    dataset: Dataset
    loss: str = attrs.field(default="cross_entropy", validator=_known)
    batch: int | None = None
    seed: int = 0

    def __attrs_post_init__(self) -> None:
        """Check the size of minibatches.

        Raises:
            TaskError: The size is below 1, or larger than the data set.
        """
        count = len(self.dataset.train.y)
        if self.batch is not None and not 1 <= self.batch <= count:
            raise TaskError(
                f"Labelled: batch is {self.batch}; it must be from 1 to {count}, or None for all"
            )

    @property
    def noisy(self) -> bool:
        """Whether the points change from generation to generation."""
        return self.batch is not None

    @property
    def perfect(self) -> float | None:
        """The base score of a network that gives every label."""
        return loss_named(self.loss).perfect(self.batch or len(self.dataset.train.y))

    @property
    def sizes(self) -> tuple[tuple[int, ...], int]:
        """The shape of a point and the number of labels."""
        points = self.dataset.train
        return tuple(points.x.shape[1:]), int(points.y.max()) + 1

    def points(self, context: TaskContext) -> Points:
        """Return the points of a generation."""
        points = self.dataset.train
        if self.batch is None:
            return points
        count = len(points.y)
        epoch, place = divmod(context.generation, count // self.batch)
        order = permutation((self.seed, "labelled", epoch), count)
        chosen = torch.from_numpy(order[place * self.batch : (place + 1) * self.batch])
        return Points(points.x[chosen], points.y[chosen])

    def judge(self, answers: Answer, points: Points) -> list[Score]:
        """Return the score of each member."""
        return loss_named(self.loss).scores(answers, points.y)

    def held_out(self, loss: str = "accuracy") -> Labelled:
        """Return the task of all points that are held out.

        Args:
            loss: What to score them by.
        """
        points = self.dataset.held_out
        return Labelled(Dataset(points, points), loss)
