"""LethalRate: an offspring whose learned rate is beyond an inherited limit is born dead."""

from __future__ import annotations

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Context,
    Genome,
    LogFloatAllele,
)
from clantune_neuro.lineage.blueprint import STRENGTH, LineageAllele
from clantune_neuro.lineage.strengths import STRENGTHS
from clantune_strategies.checks import flag_field, number_field, strategy_error

BORN_DEAD = "neuro/born-dead"
"""The entry of a lineage's metadata that marks an offspring as dead."""


def is_born_dead(genome: Genome) -> bool:
    """Return whether a strategy marked an offspring as dead. A run does not evaluate it."""
    return any(BORN_DEAD in allele.metadata for allele in genome.alleles.values())


@attrs.frozen
class LethalRate(AbstractMutationStrategy):
    """An offspring whose learned rate is beyond its limit is born dead, and is not evaluated.

    Use it to keep a rate low that costs little when it rises: the harm shows many generations
    later, but the limit acts at once. `Evolution.setup` adds the limit to the metadata of each
    lineage, as the allele `RATE/limit`. It is inherited with the lineage, and strategies that
    change numbers, such as `Gaussian`, change it as they change rates. Other kinds stay as they
    are.

    Attributes:
        rate: Name of the rate in the metadata of a lineage.
        limit: The largest rate with which an offspring lives, above 0. A lineage that was not set
            up has this limit too.
        learned: Whether mutations change the limit.
    """

    rate: str = STRENGTH
    limit: float = number_field(STRENGTHS[1], 2.0**-60)
    learned: bool = flag_field(default=True)

    @property
    def name(self) -> str:
        """Name of the limit in the metadata of a lineage."""
        return f"{self.rate}/limit"

    def handle_setup(self, allele: AbstractAllele) -> AbstractAllele:
        """Add the limit to the metadata of a lineage."""
        if not isinstance(allele, LineageAllele):
            return allele
        domain = (self.limit * 1e-4, self.limit * 1e4)
        limit = LogFloatAllele(self.limit, domain, can_mutate=self.learned)
        return allele.with_metadata({self.name: limit})

    def handle_mutating(self, allele: AbstractAllele, context: Context) -> AbstractAllele:
        """Mark the offspring as dead, or as alive where it has the mark of a dead parent."""
        if not isinstance(allele, LineageAllele):
            return allele
        if self.rate not in allele.metadata:
            raise strategy_error(
                "LethalRate",
                f"the lineage of {context.place} has no {self.rate!r} in its metadata; it has "
                f"{', '.join(allele.metadata) or 'nothing'}",
            )
        if allele.metadata[self.rate] > allele.metadata.get(self.name, self.limit):
            return allele.with_metadata({BORN_DEAD: self.rate})
        if allele.metadata.get(BORN_DEAD) == self.rate:
            return allele.without_metadata(BORN_DEAD)
        return allele
