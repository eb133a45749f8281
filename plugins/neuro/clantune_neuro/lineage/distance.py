"""How far apart two lineages are."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from clantune_neuro.lineage.gene import CHARACTERS, OCTAVE
from clantune_neuro.lineage.lineage import Lineage


def distance(one: Lineage, other: Lineage) -> float:
    """Return the distance of two lineages: what their genes differ in, by strength.

    It is the root of the sum of strength^2 over the genes that only one of them has. If all genes
    are additive, this is the expected distance of two weights in units of the tensor's scale. Two
    different births add 2 to the sum, as two genes of strength 1 do.
    """
    if one == other:
        return 0.0
    births = one[: one.num_birth * CHARACTERS] != other[: other.num_birth * CHARACTERS]
    alone = _counted(one, other)
    squares = [4.0 ** (strength / OCTAVE) * abs(times) for (*_, strength), times in alone.items()]
    return math.sqrt(math.fsum([2.0 * births, *squares]))


def _counted(one: Lineage, other: Lineage) -> dict[tuple[int, int, int, int], int]:
    """Return how many times more often each gene is in one lineage than in the other."""
    counts: Counter[tuple[int, int, int, int]] = Counter()
    first, second = one.records[one.num_birth :], other.records[other.num_birth :]
    common = min(len(first), len(second))
    differs = np.nonzero(first[:common] != second[:common])[0]
    start = int(differs[0]) if differs.size else common
    for records, sign in ((first, 1), (second, -1)):
        for operator, argument, strength, seed in records[start:].tolist():
            counts[operator, argument, seed, strength] += sign
    return {gene: times for gene, times in counts.items() if times}
