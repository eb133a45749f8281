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
    """

    logits: Tensor
    rows: Tensor | None = None


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
