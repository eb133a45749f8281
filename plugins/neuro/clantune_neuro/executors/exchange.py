"""Bytes from every rank to every rank, and the names of the ranks from which none come."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import attrs
import torch
import torch.distributed as dist

HEADER = 40
"""Bytes of the first message: the length of the second one, and a digest."""


class LostError(Exception):
    """Ranks whose messages do not come.

    Attributes:
        ranks: The ranks, in order.
        is_late: Whether the time was over; else their connections are closed.
    """

    def __init__(self, ranks: tuple[int, ...], *, is_late: bool) -> None:
        super().__init__(ranks, is_late)
        self.ranks = ranks
        self.is_late = is_late


@attrs.frozen
class Exchange:
    """Messages between all ranks of a process group of the backend gloo.

    Each pair of ranks has a connection of its own, so a rank that is lost is known by name to all
    others: at once if its process is gone, at the deadline if it has stopped.

    Attributes:
        group: The process group.
        timeout: Seconds that all messages of one call may take.
    """

    group: dist.ProcessGroup
    timeout: float

    def headers(self, size: int, digest: bytes) -> list[tuple[int, bytes]]:
        """Send the size of this rank's data and a digest of 32 bytes; return those of each rank.

        It waits for all others, also if one is lost, so that all others name the same rank.

        Raises:
            LostError: Ranks are lost.
        """
        found = self._messages(size.to_bytes(8, "little") + digest, [HEADER] * self._world)
        return [(int.from_bytes(each[:8], "little"), each[8:]) for each in found]

    def data(self, data: bytes, sizes: list[int]) -> list[bytes]:
        """Send data to each rank, and return that of each rank.

        Args:
            data: The data of this rank.
            sizes: The size of each rank's data.

        Raises:
            LostError: Ranks are lost.
        """
        return self._messages(data, sizes)

    @property
    def _world(self) -> int:
        return dist.get_world_size(self.group)

    def _messages(self, data: bytes, sizes: list[int]) -> list[bytes]:
        own = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        found = [torch.empty(size, dtype=torch.uint8) for size in sizes]
        rank = dist.get_rank(self.group)
        found[rank] = own
        others = {other: each for other, each in enumerate(found) if other != rank}
        self._wait(self._begun(own, others))
        return [each.numpy().tobytes() for each in found]

    def _begun(
        self, own: torch.Tensor, others: Mapping[int, torch.Tensor]
    ) -> list[tuple[int, dist.Work | None]]:
        """Return the rank and the work of each message; no work where it cannot begin."""
        begun: list[tuple[int, dist.Work | None]] = []
        for other, received in others.items():
            there = dist.get_global_rank(self.group, other)
            try:
                begun.append((other, dist.isend(own, there, self.group)))
                begun.append((other, dist.irecv(received, there, self.group)))
            except RuntimeError:  # its connection is closed
                begun.append((other, None))
        return begun

    def _wait(self, begun: list[tuple[int, Any]]) -> None:
        """Wait for all messages. Only after the deadline is a rank late that is still there."""
        deadline = time.monotonic() + self.timeout
        lost = {other for other, work in begun if work is None}
        for other, work in begun:
            if work is None:
                continue
            left = max(1, math.ceil(1000 * (deadline - time.monotonic())))
            try:
                work.wait(timedelta(milliseconds=left))  # gloo drops what is below one
            except RuntimeError:  # its connection is closed, or it is late
                lost.add(other)
        if lost:
            raise LostError(tuple(sorted(lost)), is_late=time.monotonic() >= deadline)
