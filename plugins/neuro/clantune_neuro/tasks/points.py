"""Tasks whose networks answer a table of points, which can be answered for many members at once."""

from __future__ import annotations

from abc import abstractmethod

import attrs
from torch import Tensor

from clantune_neuro.networks.answer import Answer, answer_of, of_one_member
from clantune_neuro.tasks.base import Network, Task, TaskContext
from clantune_neuro.tasks.score import Score


@attrs.frozen(eq=False)
class Points:
    """Points and their labels.

    Attributes:
        x: The points, one per entry of the first dimension.
        y: The label of each point, an integer.
    """

    x: Tensor
    y: Tensor


class PointsTask(Task):
    """A task that judges the answers to points, and does not ask twice.

    Evaluation may therefore compute the answers of many members in one pass, and the scores of all
    members in another.
    """

    @abstractmethod
    def points(self, context: TaskContext) -> Points:
        """Return the points of a generation, equal for all members."""

    @abstractmethod
    def judge(self, answers: Answer, points: Points) -> list[Score]:
        """Return the score of each member.

        Args:
            answers: Answers whose tensors have one more dimension in front, for the members.
            points: The points that were answered.
        """

    def score(self, network: Network, context: TaskContext) -> Score:
        """Return the score of one network."""
        points = self.points(context)
        return self.judge(of_one_member(answer_of(network(points.x))), points)[0]
