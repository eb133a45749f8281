"""The effect of one gene: its mean over the rounds, and how certain that is."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from types import MappingProxyType

import attrs

ENOUGH = 5
"""Rounds that a statement about chance needs."""

STUDENT = MappingProxyType({1: 12.706, 2: 4.303, 3: 3.182})
"""Quantiles for which the series of `student` is not exact enough, by degrees of freedom."""


@attrs.frozen
class Effect:
    """The measured effect of a gene, or of one choice of it.

    Attributes:
        gene: Name of the gene.
        step: What a step is, in words, such as `"from 0.5 to 0.55"`.
        places: Rounds that measured it, by their place in the sequence of rounds.
        slopes: Change of ln loss, or of the metric, by a step, in each of these rounds.
        weights: Weight of each of these rounds.
    """

    gene: str
    step: str
    places: Sequence[int]
    slopes: Sequence[float]
    weights: Sequence[float]

    def mean(self, rounds: int | None = None) -> float:
        """Return the weighted mean of the first rounds, or of all."""
        weights = self.weights[:rounds]
        products = (w * s for w, s in zip(weights, self.slopes, strict=False))
        return math.fsum(products) / math.fsum(weights)

    def margin(self, rounds: int | None = None) -> float | None:
        """Return half the width of the 95 % interval of the mean; None with too few rounds."""
        weights = self.weights[:rounds]
        count, mean = len(weights), self.mean(rounds)
        if count < 2:
            return None
        length = math.hypot(*(w * (s - mean) for w, s in zip(weights, self.slopes, strict=False)))
        error = length * math.sqrt(count / (count - 1)) / math.fsum(weights)
        return student(count - 1) * error

    @property
    def is_certain(self) -> bool:
        """Whether chance alone is an unlikely cause of the mean."""
        margin = self.margin()
        return len(self.slopes) >= ENOUGH and margin is not None and abs(self.mean()) > margin

    @property
    def lowered(self) -> int:
        """Number of rounds in which a higher value went with a lower metric."""
        return sum(slope < 0.0 for slope in self.slopes)


def student(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's distribution, right to 0.3 %."""
    if freedom in STUDENT:
        return STUDENT[freedom]
    z = statistics.NormalDist().inv_cdf(0.975)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
