"""The centre of the clan's genes: the mean of each gene over the members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clantune_clan.member.expression import patch_of
from clantune_clan.member.state import State
from clantune_clan.records.centre import centre_of
from clantune_core import Genome


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
