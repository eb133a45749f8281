"""Packages that only some parts of a store need, imported where they are used."""

from __future__ import annotations

import importlib
from typing import Any

from clantune_store.errors import StoreError


def extra(module: str, name: str) -> Any:
    """Return a module of a package that an extra installs.

    Args:
        module: Name of the module.
        name: Name of the extra.

    Raises:
        StoreError: The package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or module).partition(".")[0]
        raise StoreError(
            f'{package} is not installed: pip install "clantune-store[{name}]"'
        ) from error
