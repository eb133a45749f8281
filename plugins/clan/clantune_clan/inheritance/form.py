"""Conversion of nested state into tensors and a form, which is plain JSON data, and back.

The form contains the type, shape and kind of device of each tensor. It contains all other values
themselves. So two states have equal forms if and only if they differ in tensors' values alone.
"""

from __future__ import annotations

import functools
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from clantune_clan.communication.buckets import Outline
from clantune_clan.errors import ClanError

Form: TypeAlias = Any
"""The JSON data that `take_apart` returns."""

_SEQUENCES: dict[str, Callable[[Iterable[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "deque": deque,
}
_MAPPINGS: dict[str, Callable[[dict[Any, Any]], Any]] = {
    "dict": dict,
    "OrderedDict": OrderedDict,
    "Counter": Counter,
}
_NAMES: dict[type, str] = {
    list: "list",
    tuple: "tuple",
    torch.Size: "tuple",
    deque: "deque",
    dict: "dict",
    defaultdict: "dict",
    OrderedDict: "OrderedDict",
    Counter: "Counter",
}


def take_apart(
    value: object, name: str, tensors: dict[str, Tensor], *, in_order: bool = False
) -> Form:
    """Return the form of a value; add each tensor in it to `tensors` by name, in order.

    Args:
        value: Nested tensors and plain data.
        name: Prefix of the names of its tensors.
        tensors: Dictionary to which the tensors are added.
        in_order: Whether dictionaries keep their order. If not, keys are sorted, so that equal
            dictionaries have equal forms.

    Raises:
        ClanError: The value contains an object that no rank can send.
    """
    if isinstance(value, Tensor):
        _require_memory(value, name)
        if name in tensors:
            raise _cannot_travel(name, "the name of two tensors")
        # Otherwise the object itself, which a compiled optimizer.step recognises.
        tensors[name] = value.detach() if value.requires_grad else value
        dtype = str(value.dtype).removeprefix("torch.")
        return {"tensor": [dtype, [*value.shape], value.device.type]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    apart = functools.partial(take_apart, in_order=in_order)
    kind = _NAMES.get(type(value), "")
    if kind in _SEQUENCES and isinstance(value, (list, tuple, deque)):
        return {kind: [apart(v, f"{name}/{i}", tensors) for i, v in enumerate(value)]}
    if isinstance(value, dict) and kind:
        entries = [*value.items()] if in_order else sorted(value.items(), key=_type_and_text)
        for key, _ in entries:
            if not (key is None or isinstance(key, (bool, int, float, str))):
                raise _cannot_travel(name, f"a {kind} with a {type(key).__name__} for a key")
        return {kind: [[key, apart(v, f"{name}/{key}", tensors)] for key, v in entries]}
    raise _cannot_travel(name, f"a {type(value).__name__}")


def _type_and_text(entry: tuple[object, object]) -> tuple[str, str]:
    """Return the sort key of a dictionary's entry, since its keys may be of several types."""
    return type(entry[0]).__name__, str(entry[0])


def put_together(form: Form, name: str, tensor: Callable[[Outline], Tensor]) -> Any:
    """Return a value of this form. `tensor` returns the tensor for an outline."""
    if not isinstance(form, dict):
        return form
    [(kind, inside)] = form.items()
    if kind == "tensor":
        return tensor(_outline(inside, name))
    if kind in _SEQUENCES:
        parts = (put_together(each, f"{name}/{i}", tensor) for i, each in enumerate(inside))
        return _SEQUENCES[kind](parts)
    return _MAPPINGS[kind]({k: put_together(v, f"{name}/{k}", tensor) for k, v in inside})


def walk(form: Form, name: str) -> Iterator[tuple[str, Outline | str]]:
    """Return all parts of a form by name: tensors as outlines, other parts as descriptions.

    The description of a number or a text is its kind, without the value.
    """
    if not isinstance(form, dict):
        yield name, "None" if form is None else f"a {type(form).__name__}"
        return
    [(kind, inside)] = form.items()
    if kind == "tensor":
        yield name, _outline(inside, name)
        return
    yield name, f"a {kind} of {len(inside)}"
    for key, each in enumerate(inside) if kind in _SEQUENCES else inside:
        yield from walk(each, f"{name}/{key}")


def outlines_of(forms: Mapping[str, Form]) -> dict[Outline, None]:
    """Return the outlines of all tensors in forms, in order."""
    parts = [part for name, form in forms.items() for _, part in walk(form, name)]
    return {part: None for part in parts if isinstance(part, Outline)}


def _outline(inside: list[Any], name: str) -> Outline:
    dtype, shape, device = inside
    return Outline(name, getattr(torch, dtype), tuple(shape), device)


def _require_memory(tensor: Tensor, name: str) -> None:
    if isinstance(tensor, DTensor):
        raise _cannot_travel(name, "a DTensor of a model's shards")
    if tensor.layout != torch.strided:
        raise _cannot_travel(name, f"a tensor of the layout {tensor.layout}")
    if tensor.nbytes and not tensor.data_ptr():
        raise _cannot_travel(name, "a tensor without memory of its own")


def _cannot_travel(name: str, what: str) -> ClanError:
    return ClanError(
        f"{name!r} is {what}, which no child can inherit: keep tensors (not sparse), numbers, "
        "texts, None, and lists, tuples and dictionaries of them in a state"
    )
