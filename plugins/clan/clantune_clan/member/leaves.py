"""Leaves of a state: checks and assignment of values. The kind of a leaf never changes."""

from __future__ import annotations

import numbers
from typing import Any, TypeGuard, cast

import torch
from torch import Tensor

from clantune_clan.errors import PathError

LEAVES = (bool, int, float, str, Tensor)


def is_leaf(node: object) -> TypeGuard[bool | int | float | str | Tensor]:
    """Whether a node is a value without children."""
    return isinstance(node, LEAVES)


def fit(leaf: object, value: object, path: str) -> Any:
    """Return the value in the type of the leaf.

    Raises:
        PathError: The value does not fit the leaf, or the object is not a leaf.
    """
    if isinstance(leaf, Tensor):
        return _fit_tensor(leaf, value, path)
    if not is_leaf(leaf):
        raise PathError(
            f"{path!r} is a {type(leaf).__name__}, not a value that can be set", path=path
        )
    fitted = _as_kind(type(leaf), value)
    if fitted is None:
        raise _misfit(value, path, f"the {type(leaf).__name__} {leaf!r}")
    return fitted


def put(leaf: object, value: object) -> object:
    """Return the new leaf. A tensor stays the same object, and is filled with the value."""
    if not isinstance(leaf, Tensor):
        return value
    with torch.no_grad():
        if isinstance(value, Tensor):
            leaf.copy_(value)
        else:
            leaf.fill_(cast(float, value))  # `fit` has checked it
    return leaf


def is_same(leaf: object, value: object) -> bool:
    """Whether a leaf equals the value that was put there, in the precision of the leaf."""
    if not isinstance(leaf, Tensor):
        return bool(leaf == value)
    wanted = value if isinstance(value, Tensor) else torch.as_tensor(value, dtype=leaf.dtype)
    wanted = wanted.to(device=leaf.device, dtype=leaf.dtype)
    return bool((leaf.detach() == wanted).all())


def _fit_tensor(leaf: Tensor, value: object, path: str) -> object:
    if isinstance(value, Tensor):
        if value.shape != leaf.shape:
            raise PathError(
                f"{path!r} has the shape {tuple(leaf.shape)}; a tensor of {tuple(value.shape)} "
                "does not fit",
                path=path,
            )
        return value
    kind = bool if leaf.dtype is torch.bool else float if leaf.is_floating_point() else int
    fitted = _as_kind(kind, value)
    if fitted is None:
        raise _misfit(value, path, f"a {leaf.dtype} tensor of shape {tuple(leaf.shape)}")
    return fitted


def _as_kind(kind: type, value: object) -> object:
    """Return the value converted to a kind, or None if it is of another kind."""
    if kind in (bool, str) or isinstance(value, bool):
        return value if type(value) is kind else None
    if not isinstance(value, numbers.Real):
        return None
    if issubclass(kind, float):
        return float(value)
    number = float(value)
    return int(number) if number.is_integer() else None


def _misfit(value: object, path: str, held: str) -> PathError:
    return PathError(
        f"{path!r} holds {held}; {value!r} is of another kind, and kinds never change",
        path=path,
    )
