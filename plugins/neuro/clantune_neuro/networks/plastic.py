"""A bank of rows that draws the row that answers."""

from __future__ import annotations

import torch
from torch import Tensor

from clantune_neuro.draws import gumbel
from clantune_neuro.networks.answer import Answer
from clantune_neuro.networks.heads import Heads, projected


class PlasticHeads(Heads):
    """A bank whose rows answer with the probabilities of a softmax of their dot products.

    The draw is a function of `seed`, of the place of a point among the points, and of the row. All
    members therefore meet the same draws, and differ by their weights alone.
    """

    def __init__(
        self,
        rows: int,
        *,
        features: int,
        classes: int,
        inputs: int | None = None,
        projection_seed: int = 0,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Make a bank as `Heads` does.

        Args:
            rows: Number of rows, at least 1.
            features: Width of a row, at least 1.
            classes: Number of logits per row, at least 1.
            inputs: Number of values per point; see `Heads`.
            projection_seed: Seed of the projection; see `Heads`.
            temperature: Dot products are divided by it. At 0 the most similar row answers.
            seed: Seed of the draws.
        """
        super().__init__(
            rows,
            features=features,
            classes=classes,
            inputs=inputs,
            projection_seed=projection_seed,
        )
        self.temperature = temperature
        self.seed = seed

    def forward(self, x: Tensor) -> Answer:
        """Return the logits of the row that is drawn for each point, and which row it is."""
        sizes = projected(x, self.projection) @ self.features.T
        rows = (sizes + self.temperature * self._noise(len(x), sizes)).argmax(-1)
        similarities = sizes.gather(-1, rows[..., None])[..., 0]
        return Answer(self.logits[rows], rows, similarities)

    def _noise(self, points: int, like: Tensor) -> Tensor:
        """Return Gumbel noise: the row of the largest sum has the probability of the softmax."""
        drawn = gumbel((self.seed, "plastic"), (points, len(self.features)))
        return torch.from_numpy(drawn).to(like)
