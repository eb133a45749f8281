"""Tensors from rank to rank, and sums over ranks of different members."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor

from clantune_clan.communication.buffers import Buffers


class Transfer:
    """Moves tensors between the members of a clan, without waiting.

    Messages from rank to rank lie in the main memory and travel over gloo, which is the model's own
    group where that speaks it. What is on an accelerator is added up by the model's own group.

    Attributes:
        peers: The ranks that have this rank's place in each member, in order.
        buffers: Room for messages.
    """

    def __init__(
        self,
        ranks: int,
        ranks_per_member: int,
        control: dist.ProcessGroup,
        finish: Callable[[dist.Work | None, str], None],
    ) -> None:
        """Use the channel's own group where the model's cannot serve.

        Args:
            ranks: Number of ranks.
            ranks_per_member: How many of them make a member.
            control: A gloo group of all ranks.
            finish: Waits for work, and says where everybody is when it fails.
        """
        self._ranks = ranks
        self._ranks_per_member = ranks_per_member
        self._control = control
        self._finish = finish
        self._groups: dict[bool, dist.ProcessGroup] = {}
        self.peers = [*range(dist.get_rank() % ranks_per_member, ranks, ranks_per_member)]
        self.buffers = Buffers()

    def send(self, message: Tensor, rank: int, tag: int) -> dist.Work | None:
        """Begin to send; the message must not change until this is finished."""
        return dist.isend(message, rank, group=self._group_of_all(message), tag=tag)

    def receive(self, message: Tensor, rank: int, tag: int) -> dist.Work | None:
        """Begin to receive a message of the same size from a rank."""
        return dist.irecv(message, rank, group=self._group_of_all(message), tag=tag)

    def add_up(self, tensor: Tensor) -> dist.Work | None:
        """Begin to add a tensor up over the ranks of equal place in all members."""
        work: dist.Work | None = dist.all_reduce(tensor, group=self._group(tensor), async_op=True)
        return work

    def hand_out(self, tensor: Tensor, source: int) -> dist.Work | None:
        """Begin to fill a tensor with that of a rank, on all ranks of equal place."""
        work: dist.Work | None = dist.broadcast(
            tensor, source, group=self._group(tensor), async_op=True
        )
        return work

    def finish(self, work: dist.Work | None, where: str) -> None:
        """Wait for what was begun.

        Raises:
            CommunicationError: It fails; the error says where all ranks are.
        """
        self._finish(work, where)

    def _group_of_all(self, tensor: Tensor) -> dist.ProcessGroup:
        world = dist.group.WORLD
        return world if world and _serves(world, tensor.device) else self._control

    def _group(self, tensor: Tensor) -> dist.ProcessGroup:
        """Return the group of this rank's place. All ranks ask for the same at the same time."""
        if self._ranks_per_member == 1:
            return self._group_of_all(tensor)
        own_backend = self._group_of_all(tensor) is not self._control
        if own_backend not in self._groups:
            for place in range(self._ranks_per_member):
                ranks = range(place, self._ranks, self._ranks_per_member)
                backend = None if own_backend else "gloo"
                group = dist.new_group([*ranks], backend=backend)
                if dist.get_rank() in ranks:
                    self._groups[own_backend] = group
        return self._groups[own_backend]


def _serves(group: dist.ProcessGroup, device: torch.device) -> bool:
    """Whether a group can move tensors that are on a device."""
    served = dist.get_backend_config(group).split(",")  # such as cpu:gloo,cuda:nccl
    return any(each.partition(":")[0] == device.type for each in served)
