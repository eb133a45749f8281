"""Begins a package with a strategy of one's own: `python -m clantune_core.new NAME`.

What it writes installs, is found by its name, keeps the laws of the kit and passes its own lint;
the author changes it from there. Importing `clantune_core` does not import this.
"""

from clantune_core.new._command import main
from clantune_core.new._package import KINDS, write_package

__all__ = ["KINDS", "main", "write_package"]
