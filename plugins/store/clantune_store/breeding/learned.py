"""What strategies learn about a group, kept as JSON, and put back on a genome set up anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from clantune_core import AbstractAllele, Genome, RoundedAllele, deserialize, serialize
from clantune_store.database.canonical import canonical


def learned_of(genome: Genome) -> str | None:
    """Return what strategies have learned, as JSON by gene; None if they have learned nothing."""
    found = {name: record for name, allele in genome.alleles.items() if (record := _record(allele))}
    return canonical(found) if found else None


def graft(genome: Genome, learned: str | None) -> Genome:
    """Return a genome that is set up with what has been learned about it.

    Only names that the set-up has made come back, so another strategy begins to learn anew.

    Args:
        genome: Genome that strategies have set up.
        learned: What `learned_of` has returned for it, or None.
    """
    records = json.loads(learned) if learned else {}
    alleles = {
        name: _grafted(allele, records[name]) if name in records else allele
        for name, allele in genome.alleles.items()
    }
    return genome.with_alleles(alleles).set_fitness(genome.fitness)


def _record(allele: AbstractAllele) -> dict[str, Any]:
    inner = allele.metadata.children
    record = {
        "alleles": {name: serialize(child) for name, child in inner.items()},
        "plain": {name: entry for name, entry in allele.metadata.items() if name not in inner},
        "position": allele.position if isinstance(allele, RoundedAllele) else None,
    }
    return {name: held for name, held in record.items() if held}


def _grafted(allele: AbstractAllele, record: Mapping[str, Any]) -> AbstractAllele:
    known = allele.metadata.children
    kind: Any = AbstractAllele
    entries: dict[str, Any] = {
        name: entry for name, entry in record.get("plain", {}).items() if name not in known
    }
    for name, held in record.get("alleles", {}).items():
        child = deserialize(held, kind) if name in known else None
        if child is not None and _is_alike(child, known[name]):
            entries[name] = child
    position = record.get("position")
    if isinstance(allele, RoundedAllele) and position is not None:
        moved = allele.with_value(position)
        allele = moved if moved.value == allele.value else allele
    return allele.with_metadata(entries) if entries else allele


def _is_alike(one: AbstractAllele, other: AbstractAllele) -> bool:
    return type(one) is type(other) and one.domain == other.domain
