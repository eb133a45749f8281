"""A bank of rows, of which the most similar one answers each point."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from clantune_neuro.draws import normal
from clantune_neuro.errors import NetworkError
from clantune_neuro.networks.answer import Answer


class Heads(nn.Module):
    """A bank of rows: the row whose features have the largest dot product with the input answers.

    The answer is that row's logits. The forward pass also returns the number of the row, which is
    what a trace is made of. A row that answers no point can change without any effect.

    The projection of wide inputs is a function of `inputs`, `features` and `projection_seed`. It
    is a constant: no gene changes it, and it is not in the state dict.
    """

    bank = ("features", "logits")
    """The names of the tensors that have one row per row of the bank."""

    features: nn.Parameter
    logits: nn.Parameter
    projection: Tensor | None

    def __init__(
        self,
        rows: int,
        *,
        features: int,
        classes: int,
        inputs: int | None = None,
        projection_seed: int = 0,
    ) -> None:
        """Make a bank whose rows are random unit vectors and whose logits are standard normal.

        Args:
            rows: Number of rows, at least 1.
            features: Width of a row, at least 1.
            classes: Number of logits per row, at least 1.
            inputs: Number of values per point, after flattening. A number other than `features` is
                projected to `features` by a fixed random matrix. `None` means `features`.
            projection_seed: Seed of that matrix.

        Raises:
            NetworkError: A number is below 1.
        """
        super().__init__()
        for name, number in (("rows", rows), ("features", features), ("classes", classes)):
            if number < 1:
                raise NetworkError(f"Heads: {name} is {number}; it must be at least 1")
        if inputs is not None and inputs < 1:
            raise NetworkError(f"Heads: inputs is {inputs}; it must be at least 1")
        self.features = nn.Parameter(torch.empty(rows, features))
        self.logits = nn.Parameter(torch.empty(rows, classes))
        projects = inputs is not None and inputs != features
        matrix = _projection(inputs or features, features, projection_seed) if projects else None
        self.register_buffer("projection", matrix, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw every row and its logits again, from torch's generator."""
        with torch.no_grad():
            self.features.normal_()
            self.features.div_(self.features.norm(dim=1, keepdim=True))
            self.logits.normal_()

    def forward(self, x: Tensor) -> Answer:
        """Return the logits of the row that answers each point, and which row it is."""
        similarities, rows = (projected(x, self.projection) @ self.features.T).max(-1)
        return Answer(self.logits[rows], rows, similarities)


def projected(x: Tensor, projection: Tensor | None) -> Tensor:
    """Return the points as the rows see them, of the shape `(points, features)`.

    Args:
        x: The points.
        projection: The matrix of a bank, or `None` for a bank that takes the points as they are.
    """
    flat = x.flatten(1)
    return flat if projection is None else flat @ projection


def _projection(inputs: int, features: int, seed: int) -> Tensor:
    """Return a matrix of independent normal values, scaled so that norms stay about the same."""
    values = normal((seed, "projection"), (inputs, features)) / np.float32(np.sqrt(features))
    return torch.from_numpy(values)
