"""The fields of a genome, checked and in the form in which it keeps them."""

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
    raise ClanTuneError(f"a genome's uuid is a uuid.UUID; got {shown(uuid)}")


def to_alleles(alleles: Mapping[str, AbstractAllele]) -> FrozenDict[str, AbstractAllele]:
    """Return genes by name, read-only."""
    if type(alleles) is FrozenDict:
        return alleles
    if not isinstance(alleles, Mapping):
        raise AlleleError(f"alleles map names of genes to alleles; got {shown(alleles)}")
    return FrozenDict({_gene_name(name): _gene(name, a) for name, a in alleles.items()})


def _gene_name(name: object) -> str:
    if isinstance(name, str) and name:
        # One text for all members, however many documents they were read from.
        return sys.intern(freeze_text(name, "alleles"))
    raise AlleleError(f"the name of a gene is a text of one letter or more; got {shown(name)}")


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
            pass  # refused below, like everything else that is no number
    raise ClanTuneError(f"fitness is one number, lower is better, or None; got {shown(fitness)}")


def to_plain(metadata: Mapping[str, Any]) -> FrozenDict[str, Any]:
    """Return bookkeeping as plain data, read-only."""
    if not isinstance(metadata, Mapping):
        raise ClanTuneError(f"a genome's metadata maps names to plain data; got {shown(metadata)}")
    plain: FrozenDict[str, Any] = freeze(metadata, "metadata")
    return plain


def same_nan(fitness: float | None) -> object:
    """Return what a fitness is compared by: a NaN equals another one."""
    return "nan" if fitness != fitness else fitness
