"""Distance between two genomes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import ne

from clantune_core import ContinuousAllele, Genome


def distances(genomes: Sequence[Genome]) -> Callable[[int, int], float]:
    """Return a function that takes two ranks and returns the distance of their genomes.

    The distance is the root mean square over genes of differences on the latent line; two different
    values of a discrete kind are 1 apart.
    """
    lines, values = [], []
    for genome in genomes:
        every = genome.alleles.values()
        lines.append([allele.latent for allele in every if isinstance(allele, ContinuousAllele)])
        values.append([a.value for a in every if not isinstance(a, ContinuousAllele)])
    genes = max(1, len(genomes[0].alleles))

    def distance(one: int, other: int) -> float:
        along = math.dist(lines[one], lines[other])
        differing = sum(map(ne, values[one], values[other]))
        return math.hypot(along, math.sqrt(differing)) / math.sqrt(genes)

    return distance
