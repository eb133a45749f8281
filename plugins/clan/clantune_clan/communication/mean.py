"""Means over ranks, in two steps, so that the next one begins before one is done."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor

from clantune_clan.communication.transfer import Transfer

GIVEN, HANDED_OUT = 0, 1
"""Numbers that tell the messages of the two steps apart."""


class Mean(Protocol):
    """Tensors that become their mean over ranks, in place. All ranks take the same steps."""

    def hand_out(self) -> None:
        """Add up what was given, and begin to hand it out."""

    def finish(self) -> None:
        """Wait until all of the mean is here."""


def begin_mean(transfer: Transfer, tensors: Sequence[Tensor], total: float, where: str) -> Mean:
    """Begin to give others what tensors of one dimension and one device hold.

    Args:
        transfer: How the others are reached.
        tensors: Of equal lengths and types on all ranks.
        total: What sums are divided by.
        where: What this is about, in words, for errors.
    """
    in_memory = all(tensor.device.type == "cpu" for tensor in tensors)
    return (MeanByShares if in_memory else MeanByCollective)(transfer, tensors, total, where)


class MeanByCollective:
    """A mean by the backend's own sum, which is best for what is on an accelerator."""

    def __init__(
        self, transfer: Transfer, tensors: Sequence[Tensor], total: float, where: str
    ) -> None:
        """Begin to add up."""
        self._transfer, self._tensors = transfer, tensors
        self._total, self._where = total, where
        real = [torch.view_as_real(t) if t.is_complex() else t for t in tensors]
        self._sums = [transfer.add_up(tensor) for tensor in real]

    def hand_out(self) -> None:
        """Do nothing: the backend does both steps as one."""

    def finish(self) -> None:
        """Wait for the sums, and divide them."""
        for tensor, work in zip(self._tensors, self._sums, strict=True):
            self._transfer.finish(work, self._where)
            tensor.div_(self._total)


class MeanByShares:
    """A mean in the main memory: each rank makes a share of it, and hands that out.

    All messages of a step are on their way at once, while in a ring each waits for the one before.
    """

    def __init__(
        self, transfer: Transfer, tensors: Sequence[Tensor], total: float, where: str
    ) -> None:
        """Begin to give each rank what its share is made from."""
        self._transfer, self._total, self._where = transfer, total, where
        ranks = transfer.peers
        shares = dict(zip(ranks, shares_of(tensors, len(ranks)), strict=True))
        me = ranks.index(dist.get_rank())
        self._own = shares[ranks[me]]
        # Each begins with the one after it, so that nobody is reached by all at once.
        self._others = {rank: shares[rank] for rank in (*ranks[me + 1 :], *ranks[:me])}
        self._coming = [[self._expect(part, rank) for rank in self._others] for part in self._own]
        self._works = [
            transfer.send(part.view(torch.uint8), rank, GIVEN)
            for rank, share in self._others.items()
            for part in share
        ]

    def hand_out(self) -> None:
        """Make this rank's share, and begin to hand it out."""
        for part, coming in zip(self._own, self._coming, strict=True):
            for message, work in coming:
                self._transfer.finish(work, self._where)
                part.add_(message.view(part.dtype))
                self._transfer.buffers.give_back(message)
            part.div_(self._total)
        self.finish()  # what was given is overwritten now
        self._works = [
            self._transfer.receive(part.view(torch.uint8), rank, HANDED_OUT)
            for rank, share in self._others.items()
            for part in share
        ]
        self._works += [
            self._transfer.send(part.view(torch.uint8), rank, HANDED_OUT)
            for rank in self._others
            for part in self._own
        ]

    def finish(self) -> None:
        """Wait until all of the mean is here."""
        for work in self._works:
            self._transfer.finish(work, self._where)

    def _expect(self, part: Tensor, rank: int) -> tuple[Tensor, dist.Work | None]:
        message = self._transfer.buffers.take(part.nbytes)
        return message, self._transfer.receive(message, rank, GIVEN)


def shares_of(tensors: Sequence[Tensor], count: int) -> list[list[Tensor]]:
    """Return shares of nearly equal length: views of tensors, in order."""
    total, place = sum(map(len, tensors)), 0
    bounds = [total * share // count for share in range(count + 1)]
    shares: list[list[Tensor]] = [[] for _ in range(count)]
    for tensor in tensors:
        for share, (begin, end) in zip(shares, itertools.pairwise(bounds), strict=True):
            part = tensor[max(begin - place, 0) : max(end - place, 0)]
            if len(part):
                share.append(part)
        place += len(tensor)
    return shares
