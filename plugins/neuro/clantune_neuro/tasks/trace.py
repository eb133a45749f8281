"""Which rows of a bank gave the answers of a network: bookkeeping of its forward pass and score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import attrs

from clantune_neuro.errors import EvaluationError


def _numbers(rows: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(row) for row in rows)


@attrs.frozen
class RowTrace:
    """The rows to blame and the rows in use.

    It holds no gradient and no label. The answers that count as right are decided by the loss.

    Attributes:
        blamed: The row of each wrong answer to blame, in the order of the points. A row occurs
            once per wrong answer. It is empty when no answer is wrong.
        used: The rows that gave a right answer, in ascending order.
    """

    blamed: tuple[int, ...] = attrs.field(converter=_numbers)
    used: tuple[int, ...] = attrs.field(converter=_numbers)

    def draw_blamed(self, rng: Random) -> int | None:
        """Return the row of one wrong answer, drawn at random, or `None` when none is wrong.

        A child that draws with its own generator repairs its own wrong answer, even where the
        parent is an elite that is evaluated once.
        """
        return rng.choice(self.blamed) if self.blamed else None

    def unused(self, rows: int) -> tuple[int, ...]:
        """Return the rows of a bank that no right answer uses, in ascending order.

        Args:
            rows: Number of rows of the bank.
        """
        used = set(self.used)
        return tuple(row for row in range(rows) if row not in used)

    def to_plain(self) -> dict[str, list[int]]:
        """Return the trace as plain data."""
        return {"blamed": list(self.blamed), "used": list(self.used)}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> RowTrace:
        """Return the trace that `to_plain` described.

        Raises:
            EvaluationError: The data are not those of a trace.
        """
        return cls(_rows_under("blamed", data), _rows_under("used", data))


def _rows_under(name: str, data: Mapping[str, Any]) -> Sequence[int]:
    numbers = data.get(name)
    if not isinstance(numbers, list | tuple) or any(type(row) is not int for row in numbers):
        raise EvaluationError(
            f"a trace needs a list of row numbers under {name!r}, not {numbers!r:.60}"
        )
    return numbers
