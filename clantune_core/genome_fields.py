"""Converters for the fields of a genome. They check a value and return it as it is stored."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from clantune_core.alleles import AbstractAllele
from clantune_core.ancestry import Ancestry
from clantune_core.data.frozen import FrozenDict
from clantune_core.data.plain import freeze, freeze_text
from clantune_core.errors import AlleleError, ClanTuneError, shown


def to_uuid(uuid: UUID) -> UUID:
    """Return a uuid, checked."""
    if isinstance(uuid, UUID):
        return uuid
    raise ClanTuneError(f"a genome's uuid must be a uuid.UUID; got {shown(uuid)}")


def to_alleles(alleles: Mapping[str, AbstractAllele]) -> FrozenDict[str, AbstractAllele]:
    """Return genes by name, read-only."""
    if type(alleles) is FrozenDict:
        return alleles
    if not isinstance(alleles, Mapping):
        raise AlleleError(f"alleles must map names of genes to alleles; got {shown(alleles)}")
    return FrozenDict({_gene_name(name): _gene(name, a) for name, a in alleles.items()})


def _gene_name(name: object) -> str:
    if isinstance(name, str) and name:
        # All members share one string, although each may come from a document of its own.
        return sys.intern(freeze_text(name, "alleles"))
    raise AlleleError(f"the name of a gene must be a non-empty string; got {shown(name)}")


def _gene(name: str, allele: object) -> AbstractAllele:
    if isinstance(allele, AbstractAllele):
        return allele.whole()
    raise AlleleError(f"gene {name!r} is {shown(allele)}; give an allele, e.g. FloatAllele(0.1)")


def to_parents(parents: Iterable[tuple[float, UUID]] | None) -> Ancestry | None:
    """Return parents as an ancestry."""
    return None if parents is None else Ancestry.of(parents)


def to_fitness(fitness: Any) -> float | None:
    """Return a fitness as a float, or None."""
    if fitness is None or type(fitness) is float:
        return fitness
    if not isinstance(fitness, str | bytes | bool):
        try:
            return float(fitness)  # also a tensor or an array with one element
        except (TypeError, ValueError, RuntimeError, OverflowError):
            pass  # the error below is for all that is not a number
    raise ClanTuneError(
        f"fitness must be one number (lower is better) or None; got {shown(fitness)}"
    )


def to_plain(metadata: Mapping[str, Any]) -> FrozenDict[str, Any]:
    """Return metadata as plain data, read-only."""
    if not isinstance(metadata, Mapping):
        raise ClanTuneError(
            f"a genome's metadata must map names to plain data; got {shown(metadata)}"
        )
    plain: FrozenDict[str, Any] = freeze(metadata, "metadata")
    return plain


def same_nan(fitness: float | None) -> object:
    """Return the key by which fitnesses are compared: NaN equals NaN."""
    return "nan" if fitness != fitness else fitness
