"""Checks of what a run is given, before anything is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from numbers import Real
from typing import Any

import torch
from torch import nn

from clantune_neuro.errors import NeuroError
from clantune_neuro.tasks.base import Task


def require_usable(network: object, task: object, device: Any, out: object = None) -> None:
    """Check what a run is given besides numbers.

    Args:
        network: The network.
        task: What networks are scored on.
        device: The device of the weights.
        out: The directory; None for no files.

    Raises:
        NeuroError: One of them cannot be used. The error names it.
    """
    if not isinstance(network, nn.Module):
        raise _error("network", network, "a torch.nn.Module")
    if not isinstance(task, Task):
        raise _error("task", task, "an object whose class derives from clantune_neuro.Task")
    if out is not None and not isinstance(out, str | os.PathLike):
        raise _error("out", out, "the path of a directory, or None for no files")
    try:
        torch.zeros(1, device=torch.device(device)).item()
    except (RuntimeError, AssertionError, TypeError, ImportError) as error:
        why = f"{error}".partition("\n")[0].rstrip(".")
        raise NeuroError(
            f'device is {device!r:.60}: {why}; pass "cpu", or "cuda" where torch can use a GPU'
        ) from error


def require_whole(name: str, value: object, least: int | None = None) -> None:
    """Check an integer.

    Args:
        name: Name of the argument.
        value: What was given.
        least: The smallest value; None for any.

    Raises:
        NeuroError: It is not an integer, or too small.
    """
    if type(value) is not int or (least is not None and value < least):
        raise _error(name, value, "an integer" + ("" if least is None else f" of {least} or more"))


def require_strength(value: object) -> None:
    """Check that a strength is a number. Its range belongs to the blueprint.

    Args:
        value: What was given.

    Raises:
        NeuroError: It is not a number.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise _error("strength", value, "a number from 2^-20 to 4")


def whole(least: int | None = None) -> Callable[[Any, Any, int], None]:
    """Return a validator of attrs for an integer; see `require_whole`."""
    return lambda _object, field, value: require_whole(field.name, value, least)


def whole_or_none(least: int) -> Callable[[Any, Any, int | None], None]:
    """Return a validator of attrs for None or an integer."""

    def check(_object: Any, field: Any, value: int | None) -> None:
        if value is not None and (type(value) is not int or value < least):
            raise _error(field.name, value, f"None or an integer of {least} or more")

    return check


def _error(name: str, value: object, wanted: str) -> NeuroError:
    if isinstance(value, type):
        return NeuroError(f"{name} is the class {value.__name__}; pass {wanted}")
    return NeuroError(f"{name} is {value!r:.60}; pass {wanted}")
