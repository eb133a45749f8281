"""The kind of allele whose value is a lineage and whose domain is a blueprint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import attrs

from clantune_core import AbstractAllele, allele_kind
from clantune_neuro.errors import LineageError
from clantune_neuro.lineage.distance import distance
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.lineage.lineage import Lineage


class Domain(Protocol):
    """What this kind needs of a blueprint."""

    def check(self, lineage: Lineage) -> None:
        """Raise an error if the lineage has a gene that the blueprint cannot replay."""

    def allows(self, gene: Gene) -> bool:
        """Return whether the blueprint can replay a gene, by its operator and argument."""
        ...


@attrs.define
class Reader:
    """The function that makes a blueprint of a domain, or of the plain data of one.

    `lineage.blueprint` sets it, because a blueprint makes alleles and therefore imports this
    module.
    """

    read: Callable[[object], Domain] = attrs.field(init=False)


READER = Reader()


@allele_kind("lineage")
@attrs.frozen(repr=False)
class LineageAllele(AbstractAllele):
    """The weights of a network, as the lineage that replays them.

    The value is a `Lineage`: a text. The domain is the `Blueprint` of the network, one object for a
    whole population.
    """

    def check_domain(self, domain: Any) -> Domain:
        """Return the blueprint, also from its plain data."""
        return READER.read(domain)

    def check_value(self, value: Any) -> Lineage:
        """Return the text as a lineage of the blueprint."""
        lineage = Lineage(value)
        self.domain.check(lineage)
        return lineage

    def with_value(self, value: Any) -> Self:
        """Return this allele with another lineage of the same blueprint."""
        return self._moved(self.check_value(value))

    def append(self, gene: Gene) -> Self:
        """Return this allele with one more gene, in a time that hardly depends on their number.

        Raises:
            LineageError: The blueprint cannot replay the gene.
        """
        if not self.domain.allows(gene):
            raise LineageError(
                f"the blueprint has no operator {gene.operator} with the argument "
                f"{gene.argument}; its table is {self.domain.operator_names}",
                gene=self.value.num_genes,
            )
        return self._moved(self.value.append(gene))

    def distance(self, other: Self) -> float:
        """Return the distance of two lineages; see `lineage.distance`."""
        return distance(self.value, other.value)
