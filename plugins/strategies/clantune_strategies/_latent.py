"""Places on the latent line: sums that stay finite, and places drawn from a domain."""

from __future__ import annotations

import sys
from random import Random

from clantune_core import ContinuousAllele, IntAllele

_LARGEST = sys.float_info.max

_FAR = 30.0
"""An end that a kind gives itself is no end for a draw if it lies further out than this."""


def finite(number: float) -> float:
    """Return the nearest finite number: two ends of a domain may be further apart than any is."""
    return max(-_LARGEST, min(number, _LARGEST))


def uniform(allele: ContinuousAllele, rng: Random, *, on_values: bool = False) -> ContinuousAllele:
    """Return the allele at a place drawn uniformly from its domain.

    It stays where it is if the domain is open on a side: most draws from all numbers that there
    are lie where nobody wants them.

    Args:
        allele: Its domain is what counts.
        rng: Gives one number.
        on_values: Whether values are uniform, not places on the latent line.
    """
    ends = [*allele.domain, *allele.widest]
    low, high, lowest, highest = ends if on_values else map(allele.to_latent, ends)
    if (low == lowest and abs(low) > _FAR) or (high == highest and abs(high) > _FAR):
        return allele
    if isinstance(allele, IntAllele):  # each number as likely as any other
        return allele.with_value(rng.randint(int(low), int(high)))
    share = rng.random()
    place = low * (1.0 - share) + high * share
    return allele.with_value(place) if on_values else allele.with_latent(place)
