"""Room for messages, which is kept: fresh memory costs as much as a copy into it."""

from __future__ import annotations

import torch
from torch import Tensor


class Buffers:
    """Memory that messages take turns in. It has as many parts as were ever in use at once."""

    def __init__(self) -> None:
        """Begin with none."""
        self._free: list[Tensor] = []

    @property
    def bytes_kept(self) -> int:
        """How much memory waits to be used again."""
        return sum(map(len, self._free))

    def take(self, size: int) -> Tensor:
        """Return so many bytes, with anything in them."""
        self._free.sort(key=len)
        for place, free in enumerate(self._free):
            if len(free) >= size:
                return self._free.pop(place)[:size]
        del self._free[-1:]  # too small: what is new takes its place
        return torch.empty(size, dtype=torch.uint8)

    def give_back(self, buffer: Tensor) -> None:
        """Take back what `take` returned."""
        whole = torch.empty(0, dtype=torch.uint8).set_(buffer.untyped_storage())
        self._free.append(whole)
