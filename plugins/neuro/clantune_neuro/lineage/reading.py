"""Reading a blueprint from plain data, which is untrusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from clantune_neuro.errors import BlueprintError
from clantune_neuro.lineage.table import Entry
from clantune_neuro.lineage.tensors import Birth, TensorSpec

Parts: TypeAlias = tuple[tuple[TensorSpec, ...], tuple[Entry, ...], tuple[str, ...], str]
"""Tensors, operators, bank and buffers: the arguments of a blueprint."""


def arguments(data: object) -> Parts:
    """Return the arguments of a blueprint.

    Raises:
        BlueprintError: The data is not a blueprint.
    """
    parts = _mapping("a blueprint", data, ("tensors", "operators", "bank", "buffers"))
    return (
        tuple(_tensor(each) for each in _list("tensors", parts["tensors"])),
        tuple(_entry(each) for each in _list("operators", parts["operators"])),
        tuple(_text("bank", each) for each in _list("bank", parts["bank"])),
        _text("buffers", parts["buffers"]),
    )


def _tensor(data: object) -> TensorSpec:
    parts = dict(_mapping("a tensor", data, _names(TensorSpec)))
    birth = Birth(**_mapping("a birth", parts.pop("birth"), _names(Birth)))
    shape = tuple(_list("shape", parts.pop("shape")))
    name, origin = (_text(key, parts.pop(key)) for key in ("name", "origin"))
    return TensorSpec(name, shape, birth=birth, origin=origin, **parts)


def _entry(data: object) -> Entry:
    parts = _mapping("an operator", data, _names(Entry))
    pairs = [_list("a parameter", pair) for pair in _list("parameters", parts["parameters"])]
    for pair in pairs:
        if len(pair) != 2 or type(pair[1]) is not int:
            raise BlueprintError(f"a parameter must be a name and an integer; got {pair!r:.80}")
    named = tuple((_text("a parameter", name), number) for name, number in pairs)
    return Entry(_text("an operator", parts["name"]), named)


def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(kind))


def _mapping(what: str, data: object, names: Sequence[str]) -> Mapping[str, Any]:
    if isinstance(data, Mapping) and data.keys() == {*names}:
        return data
    raise BlueprintError(f"{what} must have the entries {', '.join(names)}; got {data!r:.80}")


def _list(what: str, data: object) -> Sequence[Any]:
    if isinstance(data, list | tuple):
        return data
    raise BlueprintError(f"{what} must be a list; got {data!r:.80}")


def _text(what: str, data: object) -> str:
    if isinstance(data, str):
        return data
    raise BlueprintError(f"{what} must be a text; got {data!r:.80}")
