"""The objects that average the gradient of each parameter: one at most.

Two would divide each gradient twice.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from clantune_clan.errors import GradientError

_OWNERS = WeakTensorKeyDictionary()
"""The owner of each parameter, by weak references on both sides."""


def require_free(parameters: Iterable[Tensor]) -> None:
    """Raise an error if another object averages the gradient of a parameter."""
    for parameter in parameters:
        if _OWNERS.get(parameter, lambda: None)() is not None:
            raise GradientError(
                "the gradients of this model are averaged by another clan already, which "
                "would divide them twice; close that one first: clan.close()"
            )


def claim(parameters: Iterable[Tensor], owner: object) -> None:
    """Note the owner of parameters."""
    for parameter in parameters:
        _OWNERS[parameter] = weakref.ref(owner)


def release(parameters: Iterable[Tensor]) -> None:
    """Forget the owner of parameters."""
    for parameter in parameters:
        del _OWNERS[parameter]
