"""The members of a population, each with one lineage."""

from __future__ import annotations

from random import Random
from uuid import UUID

from torch import nn

from clantune_core import Evolution, Genome, member_rng
from clantune_neuro.evaluation.record import Record
from clantune_neuro.lineage.blueprint import Blueprint, LineageAllele
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.noise.sources import NumpySource
from clantune_neuro.replay.given import GivenBirths

WEIGHTS = "weights"
"""Name of the gene that holds the lineage of a member."""


def lineage_of(genome: Genome) -> Lineage:
    """Return the lineage of a member."""
    lineage: Lineage = genome.alleles[WEIGHTS].value
    return lineage


def order(member: Genome | Record) -> tuple[float, float, int]:
    """Return a key that is largest for the best member: base, intrinsic score, then the newest."""
    record = member if isinstance(member, Record) else Record.of(member)
    base = float("-inf") if record.base is None else record.base
    return base, record.intrinsic, record.born


def first_allele(
    network: nn.Module, blueprint: Blueprint, births: GivenBirths, seed: int, strength: float
) -> LineageAllele:
    """Return the allele that all members begin with.

    Args:
        network: The network. Its weights count where the blueprint says that births are given.
        blueprint: The blueprint.
        births: Keeps given weights.
        seed: Seed of the birth.
        strength: Strength of new genes.
    """
    allele = blueprint.allele(seed, strength)
    if any(spec.birth.kind == "given" for spec in blueprint.tensors):
        return allele.with_value(births.add_module(network, blueprint, NumpySource()))
    return allele


def first_members(
    allele: LineageAllele, evolution: Evolution, size: int, seed: int
) -> list[Genome]:
    """Return the population before the first generation: one birth, and identities of their own.

    Args:
        allele: The allele that all members begin with.
        evolution: The strategies, which may add metadata.
        size: Number of members.
        seed: Seed of the run.
    """
    identities = Random(f"clantune/neuro/identities/{seed}")
    return [
        evolution.setup(
            Genome({WEIGHTS: allele}, uuid=UUID(int=identities.getrandbits(128), version=4)),
            member_rng(seed, 0, rank),
            rank=rank,
            population_size=size,
        )
        for rank in range(size)
    ]
