"""Where `data.documents` registers how things are written and read.

A genome writes and reads itself. The module that does so imports genomes, so genomes cannot import
it: it registers itself here when the package is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs


@attrs.define
class Registry:
    """The two functions, as soon as they are registered.

    Attributes:
        serialize: Returns a thing as plain data.
        deserialize: Returns the thing of a class in plain data.
    """

    serialize: Callable[[Any], dict[str, Any]] = attrs.field(init=False)
    deserialize: Callable[[object, type], Any] = attrs.field(init=False)


REGISTRY = Registry()
