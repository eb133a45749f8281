"""How a child differs from its parent, where the difference is smaller than a network."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from torch import Tensor


@attrs.frozen(eq=False)
class Outer:
    """A matrix that differs by an outer product: child = parent + column x row.

    Attributes:
        column: One value per row of the matrix.
        row: One value per column of the matrix.
    """

    column: Tensor
    row: Tensor

    def applied(self, parent: Tensor) -> Tensor:
        """Return the child's matrix. Dimensions after the first count as columns."""
        return parent + (self.column[:, None] * self.row).view_as(parent)


@attrs.frozen(eq=False)
class Row:
    """A tensor of which one row is replaced.

    Attributes:
        index: Number of the row.
        values: The child's row.
    """

    index: int
    values: Tensor

    def applied(self, parent: Tensor) -> Tensor:
        """Return the child's tensor."""
        child = parent.clone()
        child[self.index] = self.values
        return child


@attrs.frozen(eq=False)
class Whole:
    """A tensor that is replaced.

    Attributes:
        values: The child's tensor.
    """

    values: Tensor

    def applied(self, parent: Tensor) -> Tensor:  # noqa: ARG002 - all changes are called alike
        """Return the child's tensor."""
        return self.values


Change = Outer | Row | Whole

Child = Mapping[str, Change]
"""A child: its changes, by the name of the tensor. Other tensors are the parent's."""
