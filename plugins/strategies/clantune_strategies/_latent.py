"""Positions on the latent line: sums that stay finite, and uniform draws from a domain."""

from __future__ import annotations

import sys
from random import Random

from clantune_core import ContinuousAllele, IntAllele

_LARGEST = sys.float_info.max

_FAR = 30.0
"""A default end of a domain that lies further out than this counts as open."""


def clip_to_finite(number: float) -> float:
    """Return the nearest finite float. The difference of two ends of a domain can overflow."""
    return max(-_LARGEST, min(number, _LARGEST))


def draw_uniform(
    allele: ContinuousAllele, rng: Random, *, on_values: bool = False
) -> ContinuousAllele:
    """Return the allele at a position drawn uniformly from its domain.

    An allele whose domain is open on one side stays as it is: nearly all draws from every possible
    number would be useless.

    Args:
        allele: Its domain defines the range of the draw.
        rng: Gives one number.
        on_values: Draw uniformly from the values instead of from the latent line.
    """
    ends = [*allele.domain, *allele.widest]
    low, high, lowest, highest = ends if on_values else map(allele.to_latent, ends)
    if (low == lowest and abs(low) > _FAR) or (high == highest and abs(high) > _FAR):
        return allele
    if isinstance(allele, IntAllele):  # every integer is equally likely
        return allele.with_value(rng.randint(int(low), int(high)))
    share = rng.random()
    position = low * (1.0 - share) + high * share
    return allele.with_value(position) if on_values else allele.with_latent(position)
