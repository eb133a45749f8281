"""Packages that only some parts of this plugin need, imported where they are used."""

from __future__ import annotations

import importlib
from typing import Any

from clantune_neuro.errors import NeuroError


def extra(module: str, *, package: str, name: str) -> Any:
    """Return a module of a package that an extra installs.

    Args:
        module: Name of the module.
        package: Name of the package, as it is installed.
        name: Name of the extra.

    Raises:
        NeuroError: The package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise NeuroError(
            f'{package} is not installed: pip install "clantune-neuro[{name}]"'
        ) from error
