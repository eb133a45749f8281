"""The mean that all members share, made by all of them together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs
import torch
import torch.distributed as dist
from torch import Tensor

from clantune_clan.communication.mean import Mean, begin_mean
from clantune_clan.communication.transfer import Transfer
from clantune_clan.inheritance.averaging import has_mean, wide_type
from clantune_clan.inheritance.pieces import (
    Piece,
    blocks,
    is_plain,
    length,
    pieces_of,
    read,
    write,
)

LIMIT = 8 * 2**20
"""Bytes of one mean, as members hold them: it is made while they are still in a cache."""

AHEAD = 2
"""Means that are begun before one takes the next of its two steps."""

WHERE = "averaging what is inherited"


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
    begun = _begin(transfer, pairs, share)
    handed_out = _later(AHEAD, begun, _Batch.hand_out)
    for _ in _later(AHEAD, handed_out, _Batch.finish):
        pass
    _copy_the_rest(transfer, [pair for pair in pairs if not has_mean(pair[1].dtype)], share)
    return sum(tensor.nbytes for tensor in tensors)


@attrs.frozen
class _Batch:
    """Pieces whose mean is made at once.

    Attributes:
        mean: It.
        copies: Those that are averaged apart from where they are, with the copies.
        tensors: Where they are.
    """

    mean: Mean
    copies: Sequence[tuple[Piece, Tensor]]
    tensors: Sequence[Tensor]

    def hand_out(self) -> None:
        self.mean.hand_out()

    def finish(self) -> None:
        self.mean.finish()
        for piece, copy in self.copies:
            for block, values in _along(piece, self.tensors, copy):
                block.copy_(values)


def _later(
    count: int, batches: Iterable[_Batch], step: Callable[[_Batch], None]
) -> Iterator[_Batch]:
    """Take a step with each batch when so many more have come; return it then."""
    waiting: deque[_Batch] = deque()
    for batch in batches:
        waiting.append(batch)
        if len(waiting) > count:
            step(waiting[0])
            yield waiting.popleft()
    for batch in waiting:
        step(batch)
        yield batch


def _begin(
    transfer: Transfer, pairs: Sequence[tuple[Tensor, Tensor]], share: Share
) -> Iterator[_Batch]:
    """Begin the mean of one batch after the other."""
    for wide, alike in _by_type(pairs):
        own, tensors = [mine for mine, _ in alike], [tensor for _, tensor in alike]
        for batch in _batched(pieces_of(tensors, LIMIT)):
            given, copies = [], []
            for piece in batch:
                elements = _in_place(piece, own, tensors, wide)
                if elements is None:
                    elements = _copied(piece, own, wide)
                    copies.append((piece, elements))
                given.append(_weighed(elements, share.weight))
            yield _Batch(begin_mean(transfer, given, share.total, WHERE), copies, tensors)


def _by_type(
    pairs: Sequence[tuple[Tensor, Tensor]],
) -> Iterator[tuple[torch.dtype, list[tuple[Tensor, Tensor]]]]:
    """Return what has a mean, by the type that it is added up in, and by device."""
    alike: dict[tuple[torch.dtype, torch.device], list[tuple[Tensor, Tensor]]] = {}
    for mine, tensor in pairs:
        if has_mean(tensor.dtype):
            key = wide_type(tensor.dtype), tensor.device
            alike.setdefault(key, []).append((mine, tensor))
    for (wide, _), each in alike.items():
        yield wide, each


def _weighed(elements: Tensor, weight: float) -> Tensor:
    if not weight:
        return elements.zero_()  # also what is not finite
    return elements if weight == 1.0 else elements.mul_(weight)


def _batched(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    batch: list[Piece] = []
    for piece in pieces:
        if batch and sum(map(length, batch)) + length(piece) > LIMIT:
            yield batch
            batch = []
        batch.append(piece)
    if batch:
        yield batch


def _in_place(
    piece: Piece, own: Sequence[Tensor], tensors: Sequence[Tensor], wide: torch.dtype
) -> Tensor | None:
    """Return the elements of a piece where they are, if they can be averaged there."""
    [part, *others] = piece
    mine, tensor = own[part.leaf], tensors[part.leaf]
    plain = is_plain(tensor) and tensor.dtype is wide
    if others or not plain or mine.data_ptr() != tensor.data_ptr():
        return None
    return tensor.view(-1)[part.begin : part.end]


def _copied(piece: Piece, tensors: Sequence[Tensor], wide: torch.dtype) -> Tensor:
    """Return the elements of a piece, one after the other."""
    count = sum(part.end - part.begin for part in piece)
    copy = torch.empty(count, dtype=wide, device=tensors[piece[0].leaf].device)
    for block, elements in _along(piece, tensors, copy):
        elements.copy_(block)
    return copy


def _along(
    piece: Piece, tensors: Sequence[Tensor], copy: Tensor
) -> Iterator[tuple[Tensor, Tensor]]:
    """Return blocks of tensors, each with its elements in a copy."""
    for part in piece:
        for block in blocks(tensors[part.leaf], part.begin, part.end):
            yield block, copy[: block.numel()].view(block.shape)
            copy = copy[block.numel() :]


def _copy_the_rest(
    transfer: Transfer, pairs: Sequence[tuple[Tensor, Tensor]], share: Share
) -> None:
    """Give everybody the first parent's values of the tensors that have no mean."""
    own, tensors = [mine for mine, _ in pairs], [tensor for _, tensor in pairs]
    for piece in pieces_of(tensors, LIMIT):
        message = transfer.buffers.take(length(piece))
        if dist.get_rank() == share.source:
            read(piece, own, message)
        transfer.finish(transfer.hand_out(message, share.source), WHERE)
        write(piece, tensors, message)
        transfer.buffers.give_back(message)
