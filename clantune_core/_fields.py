"""Fields of attrs classes as plain data, by their types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import cattrs
from cattrs.errors import AttributeValidationNote, IterableValidationNote

from clantune_core._records import Record, summary
from clantune_core.errors import DataError, shown, step

converter = cattrs.Converter(forbid_extra_keys=True)
"""Knows the types of fields. `_documents` adds what is tagged: alleles and strategies."""


def _strict(kind: type) -> Callable[[object, type], object]:
    def structure(value: object, _: type) -> object:
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise TypeError(f"{shown(value)} is no {kind.__name__}")
        return value

    return structure


for _kind in (bool, int, float, str):  # cattrs alone would take "no" for True
    converter.register_structure_hook(_kind, _strict(_kind))


def read_fields(kind: type, given: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return what an attrs class is made with, in the types of its fields."""
    fields = _fields(kind, path)
    record = Record(given, path, set(fields))
    for name, field in fields.items():
        if field.default is attrs.NOTHING and name not in record:
            raise DataError(f"entry {name!r} is missing", path=path)
    return {
        name: _structure(record.get(name), field.type, step(path, name))
        for name, field in fields.items()
        if name in record
    }


def write_fields(instance: Any, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the fields that an attrs instance was made with, unstructured."""
    return {
        _alias(field): converter.unstructure(getattr(instance, field.name))
        for field in attrs.fields(type(instance))
        if field.init and field.name not in leave_out
    }


def _fields(kind: type, path: str) -> dict[str, attrs.Attribute[Any]]:
    """Return the fields that an attrs class is made with, by the names of its arguments."""
    if not attrs.has(kind):
        raise DataError(
            f"{kind.__name__} is no attrs class, so its parameters are not known", path=path
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
    if kind is None:  # a field without a type takes what there is
        return value
    try:
        return converter.structure(value, kind)
    except Exception as error:
        cause, place = _innermost(error, path)
        if isinstance(cause, DataError):
            raise cause.below(place) from error
        raise DataError(summary(cause), path=place) from error


def _innermost(error: BaseException, path: str) -> tuple[BaseException, str]:
    """Return the first fault in what cattrs raises for nested types, and the path to it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
        for note in getattr(error, "__notes__", ()):
            if isinstance(note, IterableValidationNote):
                path = f"{path}[{note.index}]"
            elif isinstance(note, AttributeValidationNote):
                path = step(path, note.name)
    return error, path
