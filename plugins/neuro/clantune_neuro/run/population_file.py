"""The file of a population: the members of the last generation, exactly.

It holds what documents of genomes hold, without what all members share: the blueprint, which is in
`run.json`, and the identities of all ranks, which an ancestry would spell for each member.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any
from uuid import UUID

import attrs

from clantune_core import Ancestry, ClanTuneError, Genome, Population, deserialize, serialize
from clantune_neuro.evaluation.record import KEY, Record
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.run.files import damaged, read_json, require_entries, write_whole
from clantune_neuro.run.members import WEIGHTS
from clantune_neuro.run.progress import Progress
from clantune_neuro.run.settings import plain_blueprint

NAME = "population.json"

_HEADER = ("clantune", "version")
"""The entries that all documents of genomes begin with."""

_ENTRIES = {
    "generation": (int,),
    "evaluations": (int,),
    "frames": (int,),
    "total": (int, NoneType),
    "genomes": (dict,),
    "ranks": (list,),
    "members": (list,),
}
_RECORD = {
    "base": (float, int, NoneType),
    "intrinsic": (float, int),
    "born": (int,),
}


def write_population(folder: Path, progress: Progress) -> None:
    """Write how far a run has come to `population.json`, as a whole or not at all."""
    write_whole(folder / NAME, json.dumps(_plain(progress), allow_nan=False) + "\n")


def read_population(folder: Path, blueprint: Blueprint) -> Progress:
    """Return how far a run has come.

    Args:
        folder: The directory of the run.
        blueprint: The blueprint of all lineages.

    Raises:
        DirectoryError: The file is missing or damaged.
    """
    data = read_json(folder / NAME)
    try:
        return _progress(data, plain_blueprint(blueprint))
    except (ClanTuneError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise damaged(folder / NAME, error) from error


def _plain(progress: Progress) -> dict[str, Any]:
    documents = [serialize(attrs.evolve(each, parents=None)) for each in progress.population]
    header = {name: documents[0][name] for name in _HEADER}
    for document in documents:
        del document["alleles"][WEIGHTS]["domain"]
        for name in _HEADER:
            del document[name]
    ranks: dict[tuple[UUID, ...], int] = {}  # nearly always one: the population before
    for member, document in zip(progress.population, documents, strict=True):
        if (parents := member.parents) is not None:
            place = ranks.setdefault(parents.uuids, len(ranks))
            document["parents"] = [place, parents.contributors]
    return {
        "generation": progress.generation,
        "evaluations": progress.evaluations,
        "frames": progress.frames,
        "total": progress.total,
        "genomes": header,
        "ranks": [[*map(str, uuids)] for uuids in ranks],
        "members": documents,
    }


def _progress(data: Mapping[str, Any], domain: Any) -> Progress:
    require_entries("it", data, _ENTRIES)
    ranks = [tuple(map(UUID, uuids)) for uuids in data["ranks"]]
    members = [_member({**data["genomes"], **each}, domain, ranks) for each in data["members"]]
    counts = {name: data[name] for name in ("generation", "evaluations", "frames", "total")}
    if data["generation"] >= 0:
        for member in members:
            require_entries("a record", member.metadata.get(KEY), _RECORD)
            Record.of(member)  # reads the trace
    return Progress(Population(members), **counts)


def _member(document: dict[str, Any], domain: Any, ranks: Sequence[tuple[UUID, ...]]) -> Genome:
    parents = document.pop("parents")
    document["alleles"][WEIGHTS]["domain"] = domain
    genome = deserialize(document, Genome)
    if parents is None:
        return genome
    uuids = ranks[parents[0]]
    shares = dict(parents[1])
    each = [shares.get(rank, 0.0) for rank in range(len(uuids))]
    return attrs.evolve(genome, parents=Ancestry(each, uuids))
