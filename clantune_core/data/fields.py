"""The fields of attrs classes as plain data, converted by their types."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import (
    AttributeValidationNote,
    IterableValidationNote,
    StructureHandlerNotFoundError,
)

from clantune_core.data.records import Record, fault, summary
from clantune_core.errors import DataError, shown, step

converter = cattrs.Converter(forbid_extra_keys=True)
"""Converts fields by their types. `data.things` adds alleles and strategies, which have tags."""


_SCALARS = (bool, int, float, str)


def _structure_scalar(value: object, kind: Any) -> object:
    kinds = get_args(kind) or (kind,)
    if type(value) in kinds:
        return value
    if type(value) is int and float in kinds:
        return float(value)
    names = ["None" if each is NoneType else each.__name__ for each in kinds]
    raise TypeError(f"{shown(value)} is not of type {' or '.join(names)}")


def _is_union_of_scalars(kind: Any) -> bool:
    is_union = get_origin(kind) in (Union, UnionType)
    return is_union and all(each in (*_SCALARS, NoneType) for each in get_args(kind))


for _kind in _SCALARS:  # by default cattrs converts "no" to True
    converter.register_structure_hook(_kind, _structure_scalar)
converter.register_structure_hook_func(_is_union_of_scalars, _structure_scalar)


def read_fields(kind: type, given: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the arguments for an attrs class, in the types of its fields."""
    fields = _fields(kind, path)
    needed = [name for name, field in fields.items() if field.default is attrs.NOTHING]
    record = Record(given, path, fields, needed)
    return {
        name: _structure(record.get(name), field.type, step(path, name))
        for name, field in fields.items()
        if name in record
    }


def write_fields(instance: Any, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the arguments that an attrs instance was created with, as plain data."""
    return {
        _alias(field): converter.unstructure(getattr(instance, field.name))
        for field in attrs.fields(type(instance))
        if field.init and field.name not in leave_out
    }


def _fields(kind: type, path: str) -> dict[str, attrs.Attribute[Any]]:
    """Return the fields of an attrs class that are arguments, by the names of the arguments."""
    if not attrs.has(kind):
        raise DataError(
            f"{kind.__name__} is not an attrs class, so its parameters are not known", path=path
        )
    try:
        attrs.resolve_types(kind)
    except Exception as error:
        raise DataError(
            f"the types of {kind.__name__}'s fields are not known: {summary(error)}; in its "
            "module, import them outside of TYPE_CHECKING",
            path=path,
        ) from error
    return {_alias(field): field for field in attrs.fields(kind) if field.init}


def _alias(field: attrs.Attribute[Any]) -> str:
    return field.alias or field.name


def _structure(value: object, kind: Any, path: str) -> Any:
    if kind is None:  # a field without a type takes any value
        return value
    try:
        return converter.structure(value, kind)
    except Exception as error:
        cause, place = _innermost(error, path)
        if isinstance(cause, StructureHandlerNotFoundError):
            raise DataError(_no_type(cause.type_), path=place) from error
        raise fault(cause, place) from error


def _no_type(kind: object) -> str:
    return (
        f"a field of type {shown(kind)} cannot be read; use bool, int, float, str, a union of "
        "these and None, an enumeration, an attrs class, a strategy, an allele, or a tuple, list "
        "or dictionary of these"
    )


def _innermost(error: Exception, path: str) -> tuple[Exception, str]:
    """Return the first fault in an error of cattrs for nested types, and the path to it."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
        for note in getattr(error, "__notes__", ()):
            if isinstance(note, IterableValidationNote):
                path = f"{path}[{note.index}]"
            elif isinstance(note, AttributeValidationNote):
                path = step(path, note.name)
    return error, path
