"""Hooks on a module that its copies do not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class ModuleHook:
    """Calls a method.

    Copying a module copies its hooks, and with a bound method the object behind it, which may be
    a whole clan. A copy of this hook does nothing, and neither does an unpickled one. This class
    uses no weak reference, since torch.compile cannot trace through one.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        """Use a bound method."""
        self._method = method

    def __call__(self, *arguments: Any) -> Any:
        """Call the method."""
        return self._method(*arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the constructor of the hook that replaces this one in a copy."""
        return (_IdleHook, ())


class _IdleHook:
    """The hook of a copied module, which replaces a `ModuleHook`."""

    def __call__(self, *_: Any) -> None:
        """Do nothing."""
