"""Begins a package of one's own: `clantune new-strategy NAME`, `new-kind` and others.

The package that it writes installs, is found by its name, and passes its own tests and lint; the
author changes it from there. Importing `clantune_core` does not import this.
"""

from clantune_core.new.beginnings import BEGINNINGS
from clantune_core.new.package import write_package

__all__ = ["BEGINNINGS", "write_package"]
