"""The strength of genes, as strategies read and change it."""

from __future__ import annotations

import math

import attrs

from clantune_core import Context
from clantune_neuro.lineage.blueprint import STRENGTH, LineageAllele
from clantune_neuro.lineage.gene import OCTAVE, Gene, strength_number
from clantune_neuro.lineage.strengths import STRENGTHS
from clantune_strategies.checks import strategy_error

WEAKEST, STRONGEST = map(strength_number, STRENGTHS)
"""The strength numbers between which strategies keep genes."""


def new_strength(allele: LineageAllele, strategy: object, context: Context) -> int:
    """Return the strength number of a new gene: the value of `neuro/strength` in metadata.

    A strategy sees flattened nodes, and children mutate first, so this is the offspring's own
    strength.

    Args:
        allele: The lineage that gets the gene.
        strategy: Who asks, for the message of an error.
        context: Where the allele is.

    Raises:
        StrategyError: The lineage has no strength.
    """
    if STRENGTH in allele.metadata:
        return strength_number(allele.metadata[STRENGTH])
    raise strategy_error(
        type(strategy).__name__,
        f"the lineage of {context.place} has no {STRENGTH!r} in its metadata; make it with "
        "Blueprint.allele(seed, strength)",
    )


def scaled(gene: Gene, factor: float) -> Gene | None:
    """Return a gene with another strength, at most 4; None if it would be weaker than 2^-20.

    Args:
        gene: The gene.
        factor: What its strength is multiplied by, above 0.
    """
    strength = min(gene.strength + round(OCTAVE * math.log2(factor)), STRONGEST)
    return attrs.evolve(gene, strength=strength) if strength >= WEAKEST else None
