"""What travels together: small tensors packed, large ones in ranges. Everything is bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import attrs
import torch
from torch import Tensor

PIECE = 4 * 2**20
"""Bytes that travel in one message: few enough to stay in a cache between two steps of work."""

PACKED = 2**17
"""Bytes of a tensor that is not packed with others: what is larger goes from where it is."""

ALIGNMENT = 16
"""Bytes that tensors in a message are aligned to, so that each can be seen as its own type."""


@attrs.frozen
class Part:
    """A range of a tensor's elements, in the order of its dimensions whatever its layout.

    Attributes:
        leaf: The tensor, by its place.
        begin: The first element.
        end: The element after the last one.
        offset: Where the first byte is in the message.
        size: Bytes.
    """

    leaf: int
    begin: int
    end: int
    offset: int
    size: int


Piece: TypeAlias = tuple[Part, ...]


def pieces_of(tensors: Sequence[Tensor], limit: int = PIECE) -> list[Piece]:
    """Return pieces that hold all tensors. They depend on types and shapes alone."""
    pieces: list[Piece] = []
    small: list[Part] = []
    for leaf, tensor in enumerate(tensors):
        begin, width = 0, tensor.element_size()
        while (tensor.numel() - begin) * width > limit:
            end = begin + limit // width
            pieces.append((Part(leaf, begin, end, 0, limit // width * width),))
            begin = end
        size = (tensor.numel() - begin) * width
        if begin or size > PACKED:
            pieces.append((Part(leaf, begin, tensor.numel(), 0, size),))
        elif size:
            if small and _end(small) + size > limit:
                pieces.append(tuple(small))
                small = []
            small.append(Part(leaf, 0, tensor.numel(), _end(small), size))
    return [*pieces, tuple(small)] if small else pieces


def length(piece: Piece) -> int:
    """Return how many bytes a piece has as a message."""
    return piece[-1].offset + piece[-1].size


def in_place(piece: Piece, tensors: Sequence[Tensor]) -> Tensor | None:
    """Return the bytes of a piece where they are, if they lie together in the main memory."""
    [part, *others] = piece
    tensor = tensors[part.leaf]
    if others or tensor.device.type != "cpu" or not is_plain(tensor):
        return None
    return tensor.view(-1)[part.begin : part.end].view(torch.uint8)


def read(piece: Piece, tensors: Sequence[Tensor], message: Tensor) -> None:
    """Copy a piece of the tensors into a message."""
    for part in piece:
        tensor = tensors[part.leaf]
        values = seen_as(message, part, tensor.dtype)
        for block in blocks(tensor, part.begin, part.end):
            values[: block.numel()].view(block.shape).copy_(block)
            values = values[block.numel() :]


def write(piece: Piece, tensors: Sequence[Tensor], message: Tensor) -> None:
    """Copy a message into its piece of the tensors."""
    for part in piece:
        tensor = tensors[part.leaf]
        values = seen_as(message, part, tensor.dtype)
        for block in blocks(tensor, part.begin, part.end):
            block.copy_(values[: block.numel()].view(block.shape))
            values = values[block.numel() :]


def seen_as(message: Tensor, part: Part, dtype: torch.dtype) -> Tensor:
    """Return what a message holds of a part, as its own type."""
    return message[part.offset : part.offset + part.size].view(dtype)


def blocks(tensor: Tensor, begin: int, end: int) -> Iterator[Tensor]:
    """Return views of a tensor that hold a range of its elements, in order, whatever its layout."""
    if begin == 0 and end == tensor.numel():
        yield tensor
        return
    if tensor.is_contiguous():
        yield tensor.view(-1)[begin:end]
        return
    inner = tensor.numel() // tensor.shape[0]
    while begin < end:
        row, skipped = divmod(begin, inner)
        if skipped or end - begin < inner:
            until = min(inner, skipped + end - begin)
            yield from blocks(tensor[row], skipped, until)
            begin += until - skipped
        else:
            rows = (end - begin) // inner
            yield tensor[row : row + rows]
            begin += rows * inner


def is_plain(tensor: Tensor) -> bool:
    """Whether the elements lie in memory in order, as they are."""
    return tensor.is_contiguous() and not tensor.is_conj() and not tensor.is_neg()


def _end(parts: Sequence[Part]) -> int:
    """Return where the next part may begin."""
    if not parts:
        return 0
    return -(-(parts[-1].offset + parts[-1].size) // ALIGNMENT) * ALIGNMENT
