"""What a network answers: one row of logits per point, and which part of the network gave it."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from clantune_neuro.errors import TaskError


class Answer(NamedTuple):
    """The output of a network that knows which of its rows answered.

    Attributes:
        logits: One value per point and class, of the shape `(points, classes)`.
        rows: The row of the bank that answered each point, of the shape `(points,)`, or `None` for
            a network without a bank.
        similarities: The dot product of that row and the point, of the shape `(points,)`, or `None`
            for a network without a bank.
    """

    logits: Tensor
    rows: Tensor | None = None
    similarities: Tensor | None = None


def of_one_member(answer: Answer) -> Answer:
    """Return an answer with a dimension of members in front, for a single member."""
    rows = None if answer.rows is None else answer.rows[None]
    similarities = None if answer.similarities is None else answer.similarities[None]
    return Answer(answer.logits[None], rows, similarities)


def answer_of(output: object) -> Answer:
    """Return the output of any network as an answer.

    Args:
        output: An answer, or the logits alone.

    Raises:
        TaskError: The output is neither.
    """
    if isinstance(output, Answer):
        return output
    if isinstance(output, Tensor):
        return Answer(output)
    raise TaskError(
        f"the network returned {type(output).__name__}; a task reads a tensor of logits or "
        "clantune_neuro.networks.Answer(logits, rows)"
    )
