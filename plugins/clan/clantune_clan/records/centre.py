"""The centre of the members' genes in a round."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from clantune_core import AbstractAllele, ContinuousAllele


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
    mean = math.fsum(map(allele.to_latent, values)) / len(values)
    return allele.with_value(values[0]).with_latent(mean).value
