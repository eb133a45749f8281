"""The genes of a run: which of them vary, and where their values lie."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import attrs

from clantune_clan.records.schedule import sets_rate
from clantune_core import AbstractAllele, ContinuousAllele, DiscreteAllele
from clantune_report.facts import Facts

SMALL = 0.1
"""A small step of a gene, in its units: 10 % of a learning rate, 1 % of the domain of a Float."""


@attrs.frozen
class Gene:
    """A gene of the run.

    Attributes:
        name: Name of the gene.
        allele: Allele of the first genome.
        values: Value of each member in each round.
    """

    name: str
    allele: AbstractAllele
    values: Sequence[Sequence[Any]]

    def every_value(self) -> Iterator[Any]:
        """Return the values of all members and rounds."""
        return (value for values in self.values for value in values)

    @cached_property
    def varies(self) -> bool:
        """Whether members or rounds differ in it."""
        return len({*self.every_value()}) > 1

    @property
    def is_rate(self) -> bool:
        """Whether it sets a learning rate, which warm-up and cooldown multiply."""
        return sets_rate(self.name, self.allele)

    @property
    def is_continuous(self) -> bool:
        """Whether its values lie on a line."""
        return isinstance(self.allele, ContinuousAllele)

    @cached_property
    def is_plain(self) -> bool:
        """Whether its latent line is that of its values."""
        allele = self.allele
        return isinstance(allele, ContinuousAllele) and all(
            allele.to_latent(end) == end for end in allele.domain
        )

    @property
    def unit(self) -> float:
        """Length of a unit on the latent line: 1, or a tenth of the domain if it has no scale."""
        low, high = self.allele.domain if self.is_plain else (0.0, 10.0)
        tenth = high / 10.0 - low / 10.0
        return tenth if 0.0 < tenth < 1e9 else 1.0

    @cached_property
    def choices(self) -> list[Any]:
        """Values of a discrete gene that members have had, or may have."""
        held = self.allele.choices if isinstance(self.allele, DiscreteAllele) else ()
        return [*dict.fromkeys([*held, *self.every_value()])]

    def latent(self, value: Any) -> float:
        """Return where a value lies on the latent line; of a discrete gene, its place."""
        if isinstance(self.allele, ContinuousAllele):
            return self.allele.to_latent(value)
        return float(self.choices.index(value))

    def value_at(self, latent: float) -> float:
        """Return the number at a point of the latent line; the domain is no limit."""
        if not isinstance(self.allele, ContinuousAllele):
            return latent
        try:
            return self.allele.from_latent(latent)
        except OverflowError:
            return math.inf


def genes_of(facts: Facts) -> list[Gene]:
    """Return the genes of a run, in order."""
    return [
        Gene(name, allele, [[each.genes[name] for each in records] for records in facts.rounds])
        for name, allele in facts.start.genes.items()
    ]
