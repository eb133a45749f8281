"""The centre of the clan's genes: the mean of each gene over the members."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from clantune_clan.member.expression import patch_of
from clantune_clan.member.state import State
from clantune_core import AbstractAllele, ContinuousAllele, Genome


class Centre:
    """The centre of the members' genes in the current round, which every rank knows.

    Attributes:
        values: Value of each gene.
    """

    def __init__(self, genome: Genome) -> None:
        """Start from the genes that all members start from."""
        self.values: dict[str, Any] = genome.as_hyperparameters()

    def move(self, genome: Genome, members: Sequence[Mapping[str, Any]]) -> None:
        """Update the centre from the values of all members' genes, after a turnover."""
        self.values = centre_of(genome.alleles, members)

    def express(self, state: State) -> None:
        """Write the values into the live objects, so that all ranks have the same after a run."""
        state.patch(patch_of(state.genome, self.values))


def centre_of(
    alleles: Mapping[str, AbstractAllele], members: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the value of each gene in the centre.

    Args:
        alleles: Genes, whose latent lines define the mean of two values.
        members: Values of the genes of each member, by name.
    """
    return {
        name: _between(alleles[name], [member[name] for member in members]) for name in members[0]
    }


def _between(allele: AbstractAllele, values: Sequence[Any]) -> Any:
    """Return the mean on the latent line; for a kind without one, the most frequent value."""
    if not isinstance(allele, ContinuousAllele):
        return max(values, key=values.count)
    if min(values) == max(values):
        return values[0]
    return allele.with_latent(math.fsum(map(allele.to_latent, values)) / len(values)).value
