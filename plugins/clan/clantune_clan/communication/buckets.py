"""Buckets: parts of many tensors of one type, packed into one tensor that a rank sends."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping

import attrs
import torch
from torch import Tensor

LIMIT = 8 * 2**20
"""Size limit of a bucket in bytes. A single row of a tensor may exceed it."""


@attrs.frozen
class Outline:
    """The properties of a tensor that ranks compare before they exchange it.

    Attributes:
        name: Name of the tensor.
        dtype: Type of its elements.
        shape: Its shape.
        device: Kind of its device, such as `"cuda"`, without an index.
    """

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    device: str

    @classmethod
    def of(cls, name: str, tensor: Tensor) -> Outline:
        """Return the outline of a tensor."""
        return cls(name, tensor.dtype, tuple(tensor.shape), tensor.device.type)

    def __str__(self) -> str:
        """Return a description without the name."""
        return f"{str(self.dtype).removeprefix('torch.')} of shape {self.shape} on {self.device}"


@attrs.frozen
class Rows:
    """A range of rows of a tensor, which is a view of it for every memory layout."""

    outline: Outline
    begin: int
    end: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the view. A tensor without dimensions is one row."""
        shape = self.outline.shape
        return (self.end - self.begin, *shape[1:]) if shape else ()

    @property
    def count(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def of(self, tensor: Tensor) -> Tensor:
        """Return the view."""
        return tensor[self.begin : self.end] if self.outline.shape else tensor


@attrs.frozen
class Bucket:
    """Rows of tensors of one type, on one kind of device."""

    dtype: torch.dtype
    device: str
    rows: tuple[Rows, ...]

    def among(self, outlines: Container[Outline]) -> Bucket:
        """Return a bucket of the rows whose tensors are among `outlines`."""
        rows = tuple(each for each in self.rows if each.outline in outlines)
        return attrs.evolve(self, rows=rows)

    def empty(self, device: torch.device, dtype: torch.dtype | None = None) -> Tensor:
        """Return an empty tensor of one dimension for the rows, by default of their own type."""
        count = sum(each.count for each in self.rows)
        return torch.empty(count, dtype=dtype or self.dtype, device=device)

    def pack(
        self,
        tensors: Mapping[Outline, Tensor],
        device: torch.device,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """Return a copy of the rows, one after the other, by default in their own type."""
        packed = self.empty(device, dtype)
        for each, place in self._places(packed):
            place.copy_(each.of(tensors[each.outline]))
        return packed

    def unpack(self, packed: Tensor, tensors: Mapping[Outline, Tensor]) -> None:
        """Copy a packed tensor into the rows of tensors."""
        for each, place in self._places(packed):
            view = each.of(tensors[each.outline])
            # All entries along an expanded dimension share one place in memory.
            once = tuple(slice(0, 1 if stride == 0 else None) for stride in view.stride())
            view[once].copy_(place[once])

    def _places(self, packed: Tensor) -> Iterator[tuple[Rows, Tensor]]:
        """Return the rows, each with its place in a packed tensor."""
        places = packed.split([each.count for each in self.rows])
        for each, place in zip(self.rows, places, strict=True):
            yield each, place.view(each.shape)


def buckets_of(outlines: Iterable[Outline]) -> Iterator[Bucket]:
    """Return buckets of all rows of some tensors; equal outlines give equal buckets."""
    alike: dict[tuple[torch.dtype, str], list[Outline]] = {}
    for outline in outlines:
        alike.setdefault((outline.dtype, outline.device), []).append(outline)
    for (dtype, device), some in alike.items():
        limit = LIMIT // dtype.itemsize
        batch: list[Rows] = []
        size = 0
        for rows in (rows for outline in some for rows in _divided(outline, limit)):
            if batch and size + rows.count > limit:
                yield Bucket(dtype, device, tuple(batch))
                batch, size = [], 0
            batch.append(rows)
            size += rows.count
        if batch:
            yield Bucket(dtype, device, tuple(batch))


def _divided(outline: Outline, limit: int) -> Iterator[Rows]:
    """Return the rows of a tensor in ranges of at most `limit` elements; none if it is empty."""
    height = outline.shape[0] if outline.shape else 1
    whole = Rows(outline, 0, height)
    if whole.count:
        step = max(1, limit * height // whole.count)
        for begin in range(0, height, step):
            yield Rows(outline, begin, min(begin + step, height))
