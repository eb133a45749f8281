"""Genes that would have no effect in a framework."""

from __future__ import annotations

from clantune_clan import ClanError
from clantune_core import Genome
from clantune_core.contracts import GRADIENT_ACCUMULATION, Expressed


def require_no_accumulation(genome: Genome, framework: str, instead: str) -> None:
    """Raise an error if a gene is about windows of accumulation, which a framework counts.

    Args:
        genome: Genome of a member.
        framework: Name of the framework.
        instead: What to do instead.

    Raises:
        ClanError: There is such a gene.
    """
    roles = {name: Expressed.of(name, allele).role for name, allele in genome.alleles.items()}
    idle = [name for name, role in roles.items() if role == GRADIENT_ACCUMULATION]
    if idle:
        raise ClanError(
            f"the gene {idle[0]!r} would do nothing, since {framework} counts the batches of a "
            f"step of the optimizer: leave it out, and {instead}"
        )
