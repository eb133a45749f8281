"""Setting a genome up: each strategy adds its own metadata to the genes."""

from __future__ import annotations

from random import Random
from typing import Any

import attrs

from clantune_core.alleles import AbstractAllele
from clantune_core.context import Context
from clantune_core.errors import StrategyError, shown
from clantune_core.genome import Genome
from clantune_core.hooks.dispatch import Calls
from clantune_core.hooks.streams import SHARED, needs_shared_rng, stream


def set_up(
    calls: Calls,
    genome: Genome,
    rng: Random | None = None,
    *,
    shared_rng: Random | None = None,
    rank: int = 0,
    population_size: int = 1,
) -> Genome:
    """Return the genome with the metadata that the strategies add to its genes."""
    if shared_rng is None and calls.wants(*SHARED, hook="handle_setup"):
        raise needs_shared_rng("handle_setup")
    base = Context(rank=rank, population_size=population_size, genes=genome.active_genes)
    common: dict[str, Any] = {"rng": stream(rng) or Random()}
    if shared_rng is not None:
        common["shared_rng"] = stream(shared_rng)

    def setup_gene(gene: str, allele: AbstractAllele) -> AbstractAllele:
        arguments = {**common, "context": base.at_gene(gene)}
        try:
            after = calls.fold("handle_setup", "allele", allele, arguments)
            _require_only_metadata(allele, after)
        except Exception as error:
            error.add_note(f"at gene {gene!r}")
            raise
        return after

    made = {gene: setup_gene(gene, allele) for gene, allele in genome.alleles.items()}
    return genome if made == genome.alleles else attrs.evolve(genome, alleles=made)


def _require_only_metadata(before: AbstractAllele, after: AbstractAllele) -> None:
    if after.value != before.value:
        raise StrategyError(
            f"handle_setup changed the value {shown(before.value)} to {shown(after.value)}; it may "
            "only add metadata",
            hook="handle_setup",
        )
