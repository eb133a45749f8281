"""Messages between members and sums over members, on the group that supports the device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from clantune_clan.communication.groups import Groups


class Transfer:
    """Moves tensors between the ranks that have the same place in each member, without waiting.

    A tensor on an accelerator travels over the default process group if that group supports the
    device. All other tensors travel over gloo, which sends from main memory only.
    """

    def __init__(
        self,
        ranks: int,
        ranks_per_member: int,
        groups: Groups,
        finish: Callable[[dist.Work | None, str], None],
    ) -> None:
        """Use the groups of a channel.

        Args:
            ranks: Number of ranks.
            ranks_per_member: Number of ranks that train one member.
            groups: Process groups; `"control"` is a gloo group of all ranks.
            finish: Function that waits for work, and reports where all ranks are when it fails.
        """
        self._peers = [range(place, ranks, ranks_per_member) for place in range(ranks_per_member)]
        self._place = dist.get_rank() % ranks_per_member
        self._groups = groups
        self.finish = finish

    def message_device(self, device: torch.device) -> torch.device:
        """Return the device of messages that are packed from tensors on `device`."""
        backends = dist.get_backend_config().split(",")  # such as cpu:gloo,cuda:nccl
        backend = dict(each.split(":") for each in backends).get(device.type, "gloo")
        return torch.device("cpu") if backend == "gloo" else device

    def exchange(
        self, member: int, outgoing: Mapping[int, Tensor], incoming: Mapping[int, Tensor]
    ) -> list[dist.Work]:
        """Begin to send messages to some members and to receive messages from others.

        Messages from one member to another arrive in the order in which they were sent. A message
        must not change before its work is done.

        Args:
            member: Number of this rank's member. A message to itself is copied, not sent.
            outgoing: Messages to send, by receiving member.
            incoming: Tensors to fill, by sending member.
        """
        if member in incoming:
            incoming[member].copy_(outgoing[member])
        peers = self._peers[self._place]
        operations = [
            dist.P2POp(way, message.view(torch.uint8), peers[other], self._all(message))
            for way, messages in ((dist.isend, outgoing), (dist.irecv, incoming))
            for other, message in messages.items()
            if other != member and len(message)
        ]
        return dist.batch_isend_irecv(operations) if operations else []

    def add_up(self, message: Tensor) -> dist.Work | None:
        """Begin to replace a message by its sum over all members, which call this together."""
        work: dist.Work | None = dist.all_reduce(
            message, group=self._group_of_peers(message), async_op=True
        )
        return work

    def collect(self, message: Tensor, sizes: Sequence[int], where: str) -> list[Tensor]:
        """Return the messages of all ranks on rank 0, in rank order, and none on other ranks.

        Args:
            message: Bytes of this rank, in main memory.
            sizes: Number of bytes of each rank.
            where: Description of the exchange, equal on all ranks.
        """
        if dist.get_rank() > 0:
            self.finish(dist.isend(message, 0, group=self._all(message)), where)
            return []
        received = [torch.empty(size, dtype=torch.uint8) for size in sizes[1:]]
        for rank, each in enumerate(received, start=1):
            self.finish(dist.irecv(each, rank, group=self._all(each)), where)
        return [message, *received]

    def _all(self, message: Tensor) -> dist.ProcessGroup | None:
        return self._groups["control"] if message.device.type == "cpu" else dist.group.WORLD

    def _group_of_peers(self, message: Tensor) -> dist.ProcessGroup | None:
        if len(self._peers) == 1:
            return self._all(message)
        name = f"peers, {message.device.type}"
        if self._groups.get(name) is None:
            self._groups.make(name, self._peers, "gloo" if message.device.type == "cpu" else None)
        return self._groups[name]
