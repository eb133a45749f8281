"""Answers that are drawn from the softmax of the logits, under a loss that counts them."""

from __future__ import annotations

from functools import lru_cache

import attrs
import torch
from torch import Tensor

from clantune_neuro.draws import gumbel
from clantune_neuro.errors import TaskError
from clantune_neuro.networks.answer import Answer
from clantune_neuro.tasks.base import TaskContext
from clantune_neuro.tasks.points import Points, PointsTask
from clantune_neuro.tasks.score import Score


@attrs.frozen(eq=False)
class SampledPoints(Points):
    """Points, and what the draws of their answers derive from.

    Attributes:
        inner: The points of the task that judges the answers.
        generation: Number of the generation.
    """

    inner: Points
    generation: int


@attrs.frozen
class Sampled(PointsTask):
    """A task whose networks draw their answers, and which counts the answers that are right.

    A network that is more certain of a right answer has a higher score on average, although the
    loss counts answers alone. The draws are a function of `seed`, the generation, the place of a
    point among the points, and the class. All members of a generation meet the same draws.

    Attributes:
        task: The task that judges the answers, with the loss `accuracy`, `wrong` or `till_death`.
        seed: Seed of the draws.
    """

    task: PointsTask = attrs.field()
    seed: int = 0

    @task.validator
    def _counts_answers(self, _attribute: attrs.Attribute[PointsTask], value: PointsTask) -> None:
        if getattr(value, "loss", None) == "cross_entropy":
            raise TaskError(
                "Sampled: the loss 'cross_entropy' reads the logits and not the answers; take "
                "'accuracy', 'wrong' or 'till_death'"
            )

    @property
    def noisy(self) -> bool:
        """Whether the score of a network depends on the generation: each has its own draws."""
        return True

    def points(self, context: TaskContext) -> SampledPoints:
        """Return the points of a generation, equal for all members."""
        inner = self.task.points(context)
        return SampledPoints(inner.x, inner.y, inner, context.generation)

    def judge(self, answers: Answer, points: Points) -> list[Score]:
        """Return the score of each member.

        Raises:
            TaskError: The points are those of another task.
        """
        if not isinstance(points, SampledPoints):
            raise TaskError("Sampled.judge takes what Sampled.points returns")
        noise = _noise(self.seed, points.generation, *answers.logits.shape[1:])
        drawn = answers._replace(logits=answers.logits + noise.to(answers.logits.device))
        return self.task.judge(drawn, points.inner)


@lru_cache(maxsize=4)
def _noise(seed: int, generation: int, count: int, classes: int) -> Tensor:
    """Return what makes the largest sum with the logits a draw from their softmax."""
    return torch.from_numpy(gumbel((seed, "sampled", generation), (count, classes)))
