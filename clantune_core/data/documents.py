"""Genomes, alleles, strategies and evolutions as JSON documents.

A document contains its type and the version of its format. Reading treats it as untrusted: it
returns the object or raises a `DataError` with the path of the fault. It runs no code from the
document, only that of installed plugins which the document names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Never, TypeVar

from clantune_core.alleles.base import AbstractAllele
from clantune_core.data.plain import freeze, thaw
from clantune_core.data.records import make, mapping
from clantune_core.data.registry import REGISTRY
from clantune_core.data.text import DOCUMENT_DEPTH, parse, require_short
from clantune_core.errors import ClanTuneError, DataError, shown
from clantune_core.evolution import Evolution
from clantune_core.genome import Genome
from clantune_core.strategies import AbstractStrategy

if TYPE_CHECKING:
    from clantune_core.data.things import Document

T = TypeVar("T")
Data = dict[str, Any]

FORMAT_VERSION = 1

MIGRATIONS: dict[int, Callable[[Data], Data]] = {}
"""By n: the function that turns a document of version n into one of version n + 1."""


def serialize(thing: Genome | AbstractAllele | AbstractStrategy | Evolution) -> Data:
    """Return a genome, allele, strategy or evolution as plain JSON data.

    Raises:
        ClanTuneError: It cannot be saved, for example a strategy without a name in any package.
    """
    for what, document in _documents().items():
        if isinstance(thing, document.holds):
            body: Data = thaw(freeze(document.write(thing), room=DOCUMENT_DEPTH))
            return {"clantune": what, "version": FORMAT_VERSION, **body}
    raise DataError(f"{shown(thing)} is not a genome, allele, strategy or evolution")


def deserialize(data: object, expected: type[T]) -> T:
    """Return the object in plain data or in JSON text.

    Args:
        data: The result of `serialize` or `to_json`.
        expected: The class of the object, such as `Genome`.

    Raises:
        DataError: The data is damaged, foreign, or needs a plugin. The error says where.
        ClanTuneError: `expected` is not a class.
    """
    _require_class(expected)
    what, body = _open(_plain(data))
    document = _documents()[what]
    if not issubclass(expected, document.holds) and not issubclass(document.holds, expected):
        _refuse_kind(document.holds, expected)  # before it imports any plugin
    thing = document.read(body, "$")
    if not isinstance(thing, expected):
        _refuse_kind(type(thing), expected)
    return thing


def to_json(
    thing: Genome | AbstractAllele | AbstractStrategy | Evolution, *, indent: int | None = None
) -> str:
    """Return a genome, allele, strategy or evolution as JSON text.

    Raises:
        ClanTuneError: It cannot be saved, or the text would be too long to be read again.
    """
    text = json.dumps(serialize(thing), indent=indent, allow_nan=False)
    require_short(text)
    return text


def from_json(text: str | bytes, expected: type[T]) -> T:
    """Return the object in JSON text. Raises `DataError` as `deserialize` does."""
    return deserialize(text, expected)


def _documents() -> Mapping[str, Document]:
    from clantune_core.data.things import DOCUMENTS  # noqa: PLC0415  (see there)

    return DOCUMENTS


def _require_class(expected: object) -> None:
    if not isinstance(expected, type):
        raise ClanTuneError(f"expected must be a class, such as Genome; got {shown(expected)}")


def _refuse_kind(held: type, expected: type) -> Never:
    raise DataError(f"the document contains {held.__name__}, but {expected.__name__} is expected")


def _plain(data: object) -> Any:
    return parse(data) if isinstance(data, str | bytes) else freeze(data, room=DOCUMENT_DEPTH)


def _open(plain: object) -> tuple[str, Data]:
    """Return the type of a document, and its body in the current format."""
    if not isinstance(plain, Mapping) or "clantune" not in plain:
        raise DataError(
            f"{shown(plain)} is not a ClanTune document, a mapping with an entry 'clantune'"
        )
    if plain["clantune"] not in (known := _documents()):
        raise DataError(
            f"{shown(plain['clantune'])} is not a type of document; the types are "
            f"{', '.join(known)}",
            path="$.clantune",
        )
    body = dict(plain)
    version = body.pop("version", None)
    if type(version) is not int or version < 1:
        raise DataError(f"{shown(version)} is not a format version", path="$.version")
    if version > FORMAT_VERSION:
        raise DataError(
            f"format version {version} is newer than {FORMAT_VERSION}, the newest that this "
            "clantune-core reads; upgrade it: pip install --upgrade clantune-core",
            path="$.version",
        )
    if version < FORMAT_VERSION:
        body = _migrated(body, version)
    return body.pop("clantune"), body


def _migrated(body: Data, version: int) -> Data:
    """Return a body of an old version in the current format."""
    body = thaw(body)  # a migration may change it in place, and add lists
    for older in range(version, FORMAT_VERSION):
        body = make("$", MIGRATIONS[older], body)
    return dict(mapping(freeze(body, room=DOCUMENT_DEPTH), "$"))


REGISTRY.serialize, REGISTRY.deserialize = serialize, deserialize
