"""Mean: the steps of all parents together."""

from __future__ import annotations

import base64
import functools
import math
from collections.abc import Sequence
from random import Random

import attrs

from clantune_neuro.lineage.gene import Gene
from clantune_neuro.strategies.crossovers import Crossover
from clantune_neuro.strategies.parents import Genes, Parents, shares_of_genes
from clantune_neuro.strategies.strength import scaled
from clantune_strategies.checks import number_field


@attrs.frozen
class Mean(Crossover):
    """The offspring takes the steps of all parents, each one weaker.

    Use it with additive operators, where the result is the mean of the parents' weights, moved
    further from what the parents have in common. A gene that all parents have keeps its strength. A
    gene of the share p of the parents has the strength times p, or times factor * sqrt(p) if that
    is more. So a step of one of N parents has 1/N, or factor / sqrt(N). Independent steps add up by
    their squares: with the factor 1, those of N parents are together as long as one. A step that
    would be weaker than 2^-20 is left out.

    Attributes:
        factor: Length of the mean step in units of one parent's step, 0 (the plain mean) to 1.
    """

    factor: float = number_field(1.0, 0.0, 1.0)

    def tail(self, parents: Parents, rng: Random) -> Sequence[str]:  # noqa: ARG002
        """Return the genes of all parents, weaker."""
        return _weaker(parents.tails, parents.shares, self.factor)


@functools.lru_cache(maxsize=4)  # often, all offspring of a generation have the same parents
def _weaker(tails: tuple[Genes, ...], shares: tuple[float, ...], factor: float) -> Genes:
    found = []
    for (text, _), share in shares_of_genes(tails, shares).items():
        if share == 1.0:
            found.append(text)
            continue
        gene = Gene.unpack(base64.b64decode(text))
        if weaker := scaled(gene, max(share, factor * math.sqrt(share))):
            found.append(weaker.text)
    return tuple(found)
