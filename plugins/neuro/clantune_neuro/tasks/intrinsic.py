"""Intrinsic scores of a bank of rows, which decide between members of equal base score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import attrs
from torch import Tensor

from clantune_neuro.errors import TaskError
from clantune_neuro.networks.answer import Answer
from clantune_neuro.tasks.score import Score

Intrinsic: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def _rows(rows: Tensor, _similarities: Tensor) -> Tensor:
    """Return minus the number of rows that answer a point: unused rows are free for new points."""
    ordered = rows.sort(1).values
    return -(1 + (ordered[:, 1:] != ordered[:, :-1]).sum(1)).double()


def _similarity(_rows: Tensor, similarities: Tensor) -> Tensor:
    """Return the sum of the dot products of points and the rows that answer them."""
    return similarities.double().sum(1)


def _notes(rows: Tensor, similarities: Tensor) -> Tensor:
    """Return the sum of similarities, and 100 for each row that answers no point.

    The constant number of rows is left out, so that the score is 100 x rows lower than the notes'.
    """
    return _similarity(rows, similarities) + 100 * _rows(rows, similarities)


INTRINSICS: Mapping[str, Intrinsic] = MappingProxyType(
    {"rows": _rows, "similarity": _similarity, "notes": _notes}
)
"""Intrinsic scores by name.

`rows` is minus the number of rows that answer a point. `similarity` is the sum of the dot products
of points and the rows that answer them. `notes` is their sum with the weights 100 and 1.
"""


def intrinsic_named(name: str) -> Intrinsic:
    """Return an intrinsic score.

    Raises:
        TaskError: There is no intrinsic score of this name.
    """
    if name not in INTRINSICS:
        known = ", ".join(INTRINSICS)
        raise TaskError(f"there is no intrinsic score {name!r}; they are {known}, or None")
    return INTRINSICS[name]


def with_intrinsic(scores: Sequence[Score], name: str, answers: Answer) -> list[Score]:
    """Return scores with the intrinsic score of a name.

    Args:
        scores: The score of each member.
        name: Name of the intrinsic score.
        answers: Answers of a bank, with a dimension of members in front.

    Raises:
        TaskError: The network has no bank.
    """
    if answers.rows is None or answers.similarities is None:
        raise TaskError(
            f"the intrinsic score {name!r} needs a network with a bank of rows, such as Heads; "
            "pass intrinsic=None"
        )
    values = intrinsic_named(name)(answers.rows, answers.similarities).tolist()
    return [
        attrs.evolve(score, intrinsic=value) for score, value in zip(scores, values, strict=True)
    ]
