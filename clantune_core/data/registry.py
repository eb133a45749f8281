"""The functions by which a genome writes and reads itself.

`data.documents` defines them and imports the module of `Genome`, which therefore cannot import
`data.documents`. The functions are registered here when the package is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs


@attrs.define
class Registry:
    """The two functions, once they are registered.

    Attributes:
        serialize: Returns an object as plain data.
        deserialize: Takes plain data and a class, and returns the object.
    """

    serialize: Callable[[Any], dict[str, Any]] = attrs.field(init=False)
    deserialize: Callable[[object, type], Any] = attrs.field(init=False)


REGISTRY = Registry()
