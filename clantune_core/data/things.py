"""Documents: genomes, alleles, strategies and evolutions as plain data.

This module imports cattrs, which takes as long as the rest of the core. `data.documents` imports
this module when it reads or writes the first document.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from clantune_core.alleles.base import AbstractAllele
from clantune_core.ancestry import Ancestry
from clantune_core.data.fields import converter, read_fields, write_fields
from clantune_core.data.plain import freeze, thaw
from clantune_core.data.records import Record, fault, make, mapping, sequence, uuid
from clantune_core.data.text import DOCUMENT_DEPTH
from clantune_core.errors import ClanTuneError, DataError, shown, step
from clantune_core.evolution import Evolution
from clantune_core.genome import Genome
from clantune_core.plugins import allele_class, strategy_class, strategy_name
from clantune_core.strategies import AbstractStrategy

Data = dict[str, Any]

MAX_STRATEGIES = 100
"""The largest number of strategies in a saved evolution.

Creating an evolution takes time that grows with the square of this number.
"""


# ---- Genomes and alleles ----


def _write_genome(genome: Genome) -> Data:
    fitness = genome.fitness
    return {
        "uuid": str(genome.uuid),
        # JSON has neither NaN nor infinity, and the fitness of a diverged member may be either.
        "fitness": str(fitness) if fitness is not None and not math.isfinite(fitness) else fitness,
        "parents": genome.parents and [(p.probability, str(p.uuid)) for p in genome.parents],
        "alleles": _write_alleles(genome.alleles),
        "metadata": genome.metadata,
    }


def _read_genome(body: Data, path: str) -> Genome:
    record = Record(body, path, {"fitness", "parents", "metadata"}, needed=("uuid", "alleles"))
    return make(
        path,
        Genome,
        _read_alleles(record.mapping("alleles"), f"{path}.alleles"),
        uuid=uuid(record.text("uuid"), f"{path}.uuid"),
        parents=_read_parents(record.get("parents"), f"{path}.parents"),
        fitness=_read_fitness(record.get("fitness"), f"{path}.fitness"),
        metadata=record.mapping("metadata"),
    )


def _read_fitness(fitness: Any, path: str) -> float | None:
    if fitness is None:
        return None
    if type(fitness) in (int, float) or fitness in ("nan", "inf", "-inf"):
        return make(path, float, fitness)
    problem = f"{shown(fitness)} is not a fitness: a number, 'nan', 'inf', '-inf' or None"
    raise DataError(problem, path=path)


def _read_parents(parents: object, path: str) -> Ancestry | None:
    if parents is None:
        return None
    pairs = []
    for rank, parent in enumerate(sequence(parents, path)):
        pair = sequence(parent, f"{path}[{rank}]")
        if len(pair) != 2 or type(pair[0]) not in (int, float):
            problem = f"{shown(parent)} is not a pair of probability and uuid"
            raise DataError(problem, path=f"{path}[{rank}]")
        pairs.append((pair[0], uuid(pair[1], f"{path}[{rank}][1]")))
    return make(path, Ancestry.of, pairs)


def _write_alleles(alleles: Mapping[str, AbstractAllele]) -> Data:
    return {name: _write_allele(allele) for name, allele in alleles.items()}


def _read_alleles(alleles: Mapping[str, Any], path: str) -> dict[str, AbstractAllele]:
    return {name: _read_allele(body, step(path, name)) for name, body in alleles.items()}


def _write_allele(allele: AbstractAllele) -> Data:
    if not vars(type(allele)).get("kind"):  # an inherited tag would be read as the base class
        raise ClanTuneError(
            f"{type(allele).__name__} cannot be saved, because it is not a registered kind; "
            'decorate it with @allele_kind("my_kind")'
        )
    children = allele.metadata.children
    plain = {name: entry for name, entry in allele.metadata.items() if name not in children}
    record = {
        "kind": allele.kind,
        **write_fields(allele, leave_out=("metadata",)),
        "alleles": _write_alleles(children),
        "metadata": plain,
    }
    usual = {"can_mutate": True, "can_crossbreed": True, "alleles": {}, "metadata": {}}
    return {key: held for key, held in record.items() if usual.get(key, ...) != held}


def _read_allele(body: object, path: str = "$") -> AbstractAllele:
    fields = dict(mapping(body, path))
    tag = Record(fields, path, set(fields), needed=("kind",)).text("kind")
    kind = make(f"{path}.kind", allele_class, tag)
    del fields["kind"]
    children = _read_alleles(
        mapping(fields.pop("alleles", {}), f"{path}.alleles"), f"{path}.alleles"
    )
    metadata = mapping(fields.pop("metadata", {}), f"{path}.metadata")
    if twice := sorted(metadata.keys() & children):
        raise DataError(f"{shown(twice[0])} is both in 'alleles' and in 'metadata'", path=path)
    own = read_fields(kind, fields, path)
    try:
        return kind(**own, metadata={**metadata, **children})
    except Exception as error:
        field = getattr(error, "field", "")
        raise fault(error, f"{path}.{field}" if field else path) from error


# ---- Strategies and evolutions ----


def _write_strategy(strategy: AbstractStrategy) -> Data:
    kind = type(strategy)
    name, parameters = strategy_name(kind), write_parameters(strategy)
    read_fields(kind, parameters, kind.__name__)  # fails now, not when the document is read
    return {"strategy": name, "parameters": parameters}


def _read_strategy(body: object, path: str = "$") -> AbstractStrategy:
    record = Record(body, path, {"parameters"}, needed=("strategy",))
    kind = make(f"{path}.strategy", strategy_class, record.text("strategy"))
    return read_parameters(kind, record.mapping("parameters"), f"{path}.parameters")


def write_parameters(strategy: AbstractStrategy) -> Data:
    """Return the parameters of a strategy as plain data.

    Raises:
        ClanTuneError: Its class is not an attrs class, so its parameters are not known.
    """
    if not attrs.has(type(strategy)):
        raise ClanTuneError(
            f"{type(strategy).__name__} cannot be saved, because its parameters are not known; "
            "make it an attrs class: @attrs.frozen above it, and a line for each parameter"
        )
    plain: Data = thaw(freeze(write_fields(strategy), "$", DOCUMENT_DEPTH))
    return plain


def read_parameters(
    kind: type[AbstractStrategy], parameters: Mapping[str, Any], path: str = "$"
) -> AbstractStrategy:
    """Return a strategy of a known class, created with parameters in plain data.

    Raises:
        DataError: The class does not take these parameters.
    """
    return make(path, kind, **read_fields(kind, parameters, path))


def _write_evolution(evolution: Evolution) -> Data:
    _require_few(evolution.strategies, "$.strategies")
    return {"strategies": [_write_strategy(strategy) for strategy in evolution.strategies]}


def _read_evolution(body: Data, path: str) -> Evolution:
    record = Record(body, path, needed=("strategies",))
    listed = sequence(record.get("strategies"), f"{path}.strategies")
    _require_few(listed, f"{path}.strategies")
    made = [_read_strategy(item, f"{path}.strategies[{i}]") for i, item in enumerate(listed)]
    return make(path, Evolution, made)


def _require_few(strategies: tuple[object, ...], path: str) -> None:
    if len(strategies) > MAX_STRATEGIES:
        problem = f"there are {len(strategies)} strategies, more than {MAX_STRATEGIES}"
        raise DataError(problem, path=path)


def _is_a(base: type) -> Callable[[Any], bool]:
    return lambda kind: isinstance(kind, type) and issubclass(kind, base)


# A strategy or an allele may be a parameter of another strategy; both are found by their tags.
converter.register_structure_hook_func(
    _is_a(AbstractStrategy), lambda body, _: _read_strategy(body)
)
converter.register_unstructure_hook_func(_is_a(AbstractStrategy), _write_strategy)
converter.register_structure_hook_func(_is_a(AbstractAllele), lambda body, _: _read_allele(body))
converter.register_unstructure_hook_func(_is_a(AbstractAllele), _write_allele)


@attrs.frozen
class Document:
    """One type of document: the class of its object, and how to write and read it."""

    holds: type
    write: Callable[[Any], Data]
    read: Callable[[Any, str], Any]


DOCUMENTS = {
    "genome": Document(Genome, _write_genome, _read_genome),
    "allele": Document(AbstractAllele, _write_allele, _read_allele),
    "strategy": Document(AbstractStrategy, _write_strategy, _read_strategy),
    "evolution": Document(Evolution, _write_evolution, _read_evolution),
}
"""The types of documents by their tags."""
