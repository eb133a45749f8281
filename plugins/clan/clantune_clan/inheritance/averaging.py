"""The weighted mean of several parents: summed over all members, or from messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import attrs
import torch
import torch.distributed as dist
from torch import Tensor

from clantune_clan.communication.transfer import Transfer
from clantune_clan.inheritance.pieces import (
    Part,
    Piece,
    blocks,
    is_plain,
    length,
    pieces_of,
    read,
    seen_as,
    write,
)

LIMIT = 8 * 2**20
"""Bytes that are summed at once: their mean is taken while they are still in a cache."""

AHEAD = 2
"""Sums that are on their way at once."""

WHERE = "averaging what is inherited"


def has_mean(dtype: torch.dtype) -> bool:
    """Whether values of a type are averaged; others come from the first parent."""
    return dtype.is_floating_point or dtype.is_complex


def mean(
    part: Part,
    dtype: torch.dtype,
    messages: Sequence[Tensor],
    weights: Sequence[float],
    result: Tensor,
) -> None:
    """Put the mean of what messages hold of a part into one of them, the first parent's.

    Weights are relative to the greatest, so that those of equals are 1, and their sum is exact.
    """
    if not has_mean(dtype):
        return
    total = torch.zeros((), dtype=_wide(dtype))
    for message, weight in zip(messages, weights, strict=True):
        total = total + seen_as(message, part, dtype).to(total.dtype) * weight
    seen_as(result, part, dtype).copy_(total / sum(weights))


@attrs.frozen
class Share:
    """What one rank adds to a mean that all members share.

    Attributes:
        weight: The member's weight, relative to the greatest; 0 adds nothing, whatever is there.
        total: The sum of all weights, relative to the greatest.
        source: The rank whose whole numbers everybody gets.
    """

    weight: float
    total: float
    source: int


def share_mean(
    transfer: Transfer, own: Sequence[Tensor], tensors: Sequence[Tensor], share: Share
) -> int:
    """Fill tensors with the mean over all members; return how many bytes were received.

    Args:
        transfer: How the others are reached.
        own: What this rank adds, in the same order; anything if its weight is 0.
        tensors: What is filled, which may be the same tensors.
        share: Of this rank.
    """
    if share.weight:
        pairs = [*zip(own, tensors, strict=True)]
    else:
        pairs = [(tensor, tensor) for tensor in tensors]
    summing: deque[_Sum] = deque()
    for wide in (torch.float32, torch.float64, torch.complex64, torch.complex128):
        alike = [pair for pair in pairs if has_mean(pair[1].dtype) and _wide(pair[1].dtype) is wide]
        for begun in _sums(transfer, alike, wide, share):
            summing.append(begun)
            if len(summing) >= AHEAD:
                summing.popleft().finish(transfer, share)
    while summing:
        summing.popleft().finish(transfer, share)
    _hand_out(transfer, [pair for pair in pairs if not has_mean(pair[1].dtype)], share)
    return sum(tensor.nbytes for tensor in tensors)


@attrs.frozen
class _Sum:
    flat: Tensor
    work: dist.Work | None
    piece: Piece
    tensors: Sequence[Tensor]
    is_in_place: bool

    def finish(self, transfer: Transfer, share: Share) -> None:
        transfer.finish(self.work, WHERE)
        self.flat.div_(share.total)
        if self.is_in_place:
            return
        rest = self.flat
        for part in self.piece:
            for block in blocks(self.tensors[part.leaf], part.begin, part.end):
                block.copy_(rest[: block.numel()].view(block.shape))
                rest = rest[block.numel() :]


def _sums(
    transfer: Transfer, pairs: Sequence[tuple[Tensor, Tensor]], wide: torch.dtype, share: Share
) -> Iterator[_Sum]:
    """Begin sums of pieces, one by one."""
    for device in dict.fromkeys(tensor.device for _, tensor in pairs):
        tensors = [tensor for _, tensor in pairs if tensor.device == device]
        own = [mine for mine, tensor in pairs if tensor.device == device]
        for piece in pieces_of(tensors, LIMIT):
            flat = _in_place(piece, own, tensors, wide)
            is_in_place = flat is not None
            if flat is None:
                count = sum(part.end - part.begin for part in piece)
                flat = torch.empty(count, dtype=wide, device=device)
                if share.weight:
                    _gather(piece, own, flat)
            if not share.weight:
                flat.zero_()
            elif share.weight != 1.0:
                flat.mul_(share.weight)
            work = transfer.add_up(torch.view_as_real(flat) if wide.is_complex else flat)
            yield _Sum(flat, work, piece, tensors, is_in_place)


def _in_place(
    piece: Piece, own: Sequence[Tensor], tensors: Sequence[Tensor], wide: torch.dtype
) -> Tensor | None:
    """Return the elements of a piece where they are, if they can be summed there."""
    [part, *others] = piece
    mine, tensor = own[part.leaf], tensors[part.leaf]
    plain = is_plain(tensor) and tensor.dtype is wide
    if others or not plain or mine.data_ptr() != tensor.data_ptr():
        return None
    return tensor.view(-1)[part.begin : part.end]


def _gather(piece: Piece, tensors: Sequence[Tensor], flat: Tensor) -> None:
    for part in piece:
        for block in blocks(tensors[part.leaf], part.begin, part.end):
            flat[: block.numel()].view(block.shape).copy_(block)
            flat = flat[block.numel() :]


def _hand_out(transfer: Transfer, pairs: Sequence[tuple[Tensor, Tensor]], share: Share) -> None:
    own, tensors = [mine for mine, _ in pairs], [tensor for _, tensor in pairs]
    for piece in pieces_of(tensors, LIMIT):
        message = torch.empty(length(piece), dtype=torch.uint8)
        if dist.get_rank() == share.source:
            read(piece, own, message)
        transfer.finish(transfer.hand_out(message, share.source), WHERE)
        write(piece, tensors, message)


def _wide(dtype: torch.dtype) -> torch.dtype:
    """Return the type in which values of a type are added up."""
    return torch.promote_types(
        dtype if dtype.itemsize > 1 else torch.float32,  # nothing is promoted from 8 bits
        torch.complex64 if dtype.is_complex else torch.float32,
    )
