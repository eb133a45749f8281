"""Random lineages of every operator that a blueprint has."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from random import Random

from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import FIRST_OPERATOR, Gene
from clantune_neuro.lineage.lineage import Lineage

STRENGTHS = (-400, -100)
"""Strength numbers of random genes: from 0.013 to below 0.34."""


def random_gene(blueprint: Blueprint, rng: Random, names: Sequence[str] | None = None) -> Gene:
    """Draw a gene with an argument that its operator takes.

    Args:
        blueprint: The blueprint whose operators are drawn.
        rng: Draws the gene.
        names: The operators to draw from; None for all.
    """
    number = blueprint.number_of(rng.choice(names or blueprint.operator_names))
    strength = rng.randrange(*STRENGTHS)
    return Gene(number, rng.choice(_arguments(blueprint, number)), strength, rng.getrandbits(64))


def random_chain(
    blueprint: Blueprint, length: int, seed: int, names: Sequence[str] | None = None
) -> Lineage:
    """Return a birth and random genes after it."""
    rng = Random(seed)
    born = Lineage.born(rng.getrandbits(64))
    return extended(born, [random_gene(blueprint, rng, names) for _ in range(length)])


def extended(lineage: Lineage, genes: Sequence[Gene]) -> Lineage:
    """Return a lineage with more genes."""
    return functools.reduce(Lineage.append, genes, lineage)


def additive_names(blueprint: Blueprint) -> list[str]:
    """Return the names of the operators whose genes give the same bits in any order."""
    return [
        entry.name
        for number, entry in enumerate(blueprint.operators, FIRST_OPERATOR)
        if blueprint.operator(number).additive
    ]


@functools.cache
def _arguments(blueprint: Blueprint, number: int) -> list[int]:
    """Return the arguments that an operator takes."""
    return [argument for argument in range(256) if blueprint.allows(Gene(number, argument))]
