"""Hooks on a module that its copies do not take along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class ModuleHook:
    """Calls a method.

    A copy of a module copies its hooks, and with a bound method the object behind it, which may be
    a whole clan. A copy of this hook does nothing, and so does one that is pickled. There is no
    weak reference here, since torch.compile cannot trace through one.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        """Call this bound method."""
        self._method = method

    def __call__(self, *arguments: Any) -> Any:
        """Call it."""
        return self._method(*arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what becomes of this hook in a copy."""
        return (_IdleHook, ())


class _IdleHook:
    """What a copy of a module has in the place of a `ModuleHook`."""

    def __call__(self, *_: Any) -> None:
        """Do nothing."""
