"""The versions of Python and of the packages that decide what a run computes."""

from __future__ import annotations

import functools
import platform
from importlib.metadata import version

PACKAGES = ("clantune-core", "clantune-clan", "torch")


@functools.cache
def versions() -> dict[str, str]:
    """Return the version of Python and of each package, by name."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
