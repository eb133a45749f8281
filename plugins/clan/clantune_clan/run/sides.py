"""Half clans: who shares gradients with whom if a gene acts on the way of the data."""

from __future__ import annotations

from clantune_clan.communication import Communication
from clantune_core import ContinuousAllele, Genome
from clantune_core.contracts import DATA_PATH, Expressed


def side_of(genome: Genome, communicator: Communication) -> bool | None:
    """Return whether this member's gene on the data path is above the clan's middle.

    What such a gene does is in the gradient, so members that share one with the other side learn
    nothing about it. None if all share: there is no such gene, or fewer than two on a side.
    """
    gene = _on_data_path(genome)
    if gene is None or communicator.num_members < 4:
        return None
    name, allele = gene
    told = communicator.gather(f"the sides of gene {name!r}", allele.latent)
    latents = told[:: communicator.ranks_per_member]
    middle = sum(latents) / len(latents)
    above = sum(latent > middle for latent in latents)
    return allele.latent > middle if 2 <= above <= len(latents) - 2 else None


def _on_data_path(genome: Genome) -> tuple[str, ContinuousAllele] | None:
    for name, allele in genome.alleles.items():
        acts = allele.can_mutate and Expressed.of(name, allele).role == DATA_PATH
        if acts and isinstance(allele, ContinuousAllele):
            return name, allele
    return None
