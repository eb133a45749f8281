"""The distance between two genomes."""

from __future__ import annotations

import math

from clantune_core import Genome


def distance(one: Genome, other: Genome) -> float:
    """Return the root mean square over genes of `allele.distance`."""
    theirs = other.alleles
    apart = [allele.distance(theirs[gene]) for gene, allele in one.alleles.items()]
    return math.hypot(*apart) / math.sqrt(max(1, len(apart)))
