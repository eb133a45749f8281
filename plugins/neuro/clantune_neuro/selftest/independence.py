"""The noise of genes is uncorrelated, and has the moments of its distribution.

The noise is that of whole genes: of operators on tensors whose weights are 0. Every limit is four
standard errors, or as rare: one figure in 16,000 exceeds it by chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import combinations
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from torch.distributions import Distribution, Laplace, Normal, Uniform

from clantune_neuro.errors import NeuroError
from clantune_neuro.gates import Gate, Report, at_most
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.lineage.table import table as operator_table
from clantune_neuro.lineage.tensors import Birth, TensorSpec
from clantune_neuro.noise.shapes import SHAPES, TABLE_BITS, table
from clantune_neuro.replay.nursery import Nursery

ERRORS = 4.0
"""The limit of a figure, in standard errors."""

DISTANCE = 2.28
"""The limit of the Kolmogorov-Smirnov distance times the root of n, which is as rare."""

TENSORS = ("layers.0.weight", "layers.1.weight", "layers.2.weight")
LAGS = (1, 2, 3, 4, 16)
FEWEST = 1_000

Streams = dict[tuple[int, str], NDArray[np.float64]]
"""The noise by the seed of the gene and the name of the tensor."""


def measure(
    *, weights: int, genes: int, seed: int = 0, progress: Callable[[int, int], None]
) -> Report:
    """Draw the noise of genes, and compare its correlations and moments with their limits.

    Args:
        weights: Weights of each tensor, n.
        genes: Genes that are compared. Their seeds are consecutive numbers.
        seed: Seed that the first of these seeds is drawn from.
        progress: Is told how many shapes of noise are done, and of how many.

    Raises:
        NeuroError: There are too few weights for the limits to mean anything.
    """
    if weights < FEWEST:
        raise NeuroError(f"{weights} weights are too few to correlate; take {FEWEST} or more")
    first = Random(seed).getrandbits(63)
    gates: list[Gate] = []
    for number, shape in enumerate(SHAPES):
        streams = _streams(shape, weights, range(first, first + genes))
        if shape == "normal":
            gates += _correlations(streams, weights)
        gates += _moments(shape, np.stack([*streams.values()]))
        progress(number + 1, len(SHAPES))
    return Report(
        f"Noise of {genes} genes, {len(TENSORS)} tensors of {weights:,} weights each",
        gates=gates,
        facts={"seed": seed, "seeds of genes": f"{first} and those after it"},
        claim="noise is independent between tensors, genes and neighbours, and is distributed as "
        "its name says",
    )


def _streams(shape: str, weights: int, seeds: range) -> Streams:
    specs = [TensorSpec(name, (weights,), birth=Birth("constant")) for name in TENSORS]
    blueprint = Blueprint(tuple(specs), operator_table([shape], has_bank=False))
    nursery = Nursery(blueprint, cap=0)
    number = blueprint.number_of(shape)
    return {
        (seed, name): units.to(torch.float64).numpy()
        for seed in seeds
        for name, units in nursery.weights(Lineage.born(0).append(Gene(number, 0, 0, seed))).items()
    }


def _correlations(streams: Streams, weights: int) -> Iterator[Gate]:
    """Yield the largest correlation of each kind of pair."""
    matrix = np.atleast_2d(np.corrcoef(np.stack([*streams.values()])))
    found: dict[str, float] = {}
    for (one, (seed, name)), (two, (other, another)) in combinations(enumerate(streams), 2):
        kind = {seed == other: "tensors of one gene", name == another: "genes of one tensor"}
        pair = kind.get(True, "other pairs")
        found[pair] = max(found.get(pair, 0.0), abs(float(matrix[one, two])))
    for lag in LAGS:
        neighbours = (np.corrcoef(each[:-lag], each[lag:])[0, 1] for each in streams.values())
        found[f"neighbours at {lag}"] = max(abs(float(each)) for each in neighbours)
    for pair, largest in found.items():
        yield at_most(f"|r| of {pair}", largest, ERRORS / math.sqrt(weights))


def _moments(shape: str, noise: NDArray[np.float64]) -> Iterator[Gate]:
    """Yield how far a shape of noise is from its distribution, in the worst of the streams."""
    exact = table(shape).numpy() * 2.0**-TABLE_BITS
    root = math.sqrt(noise.shape[1])
    for power, what in ((1, "mean"), (2, "variance"), (4, "kurtosis")):
        limit = ERRORS * float(np.std(exact**power)) / root
        far = np.abs((noise**power).mean(axis=1) - np.mean(exact**power))
        yield at_most(f"{shape}: error of the {what}", float(far.max()), limit)
    distance = max(_distance(_distribution(shape), stream) for stream in noise)
    yield at_most(f"{shape}: Kolmogorov-Smirnov distance", distance, DISTANCE / root)


def _distance(distribution: Distribution, stream: NDArray[np.float64]) -> float:
    """Return the largest difference of the cumulative shares."""
    ordered = torch.from_numpy(np.sort(stream))
    expected = distribution.cdf(ordered)
    above = torch.arange(1, len(ordered) + 1) / len(ordered) - expected
    return float(torch.maximum(above, 1 / len(ordered) - above).max())


def _distribution(shape: str) -> Distribution:
    """Return the distribution of a shape, with variance 1. `exponential` has both signs."""
    known: dict[str, Distribution] = {
        "normal": Normal(0.0, 1.0),
        "exponential": Laplace(0.0, math.sqrt(1 / 2)),
        "uniform": Uniform(-math.sqrt(3), math.sqrt(3), validate_args=False),
    }
    return known[shape]
