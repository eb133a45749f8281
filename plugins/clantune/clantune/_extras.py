"""Parts of the package that need more packages than the rest of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def extra(name: str) -> Iterator[None]:
    """Name what to install if an import inside the block does not find its package.

    Args:
        name: Extra of the package `clantune`, and name of the module that imports.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        raise ImportError(
            f"clantune.{name} needs {package}, which is not installed: "
            f"pip install 'clantune[{name}]'"
        ) from missing
