"""The connection of a rank to the others: meetings on the store, process groups, transfers."""

from __future__ import annotations

import ctypes
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed import PrefixStore  # type: ignore[attr-defined]  # not listed

from clantune_clan.communication.arrival import Arrivals
from clantune_clan.communication.groups import Groups
from clantune_clan.communication.transfer import Transfer
from clantune_clan.errors import CommunicationError

SHORT = 4096
"""Number of characters that a rank sends over the store. It sends the rest of a text over gloo."""


class Connection:
    """Connects the ranks of the default process group.

    Attributes:
        groups: Process groups: `"control"`, a gloo group of all ranks for every kind of tensors;
            `"member"`, the ranks that train one member; and groups that are added later.
        arrivals: Meetings of all ranks.
        transfer: Transfer that moves tensors between members.
    """

    def __init__(self, ranks_per_member: int, timeout: timedelta) -> None:
        """Connect. All ranks call this together.

        Args:
            ranks_per_member: Number of consecutive ranks that train one member together.
            timeout: Time for which a rank waits for another one.
        """
        world_size = dist.get_world_size()
        # torch has no public access to its store, and a second store would need a second port.
        store = dist.distributed_c10d._get_default_store()
        # Every rank makes its channels of a process group in the same order.
        number = store.add(f"clantune/channels of rank {dist.get_rank()}", 1)
        store = PrefixStore(f"clantune{number}", store)
        self._timeout = timeout
        self.arrivals = Arrivals(store, dist.get_rank(), world_size, timeout)
        self.groups = Groups(timeout)
        self.groups.make("control", [range(world_size)], "gloo")
        if ranks_per_member > 1:
            firsts = range(0, world_size, ranks_per_member)
            members = [range(first, first + ranks_per_member) for first in firsts]
            self.groups.make("member", members, None)
        self.transfer = Transfer(world_size, ranks_per_member, self.groups, self.finish)

    def all_gather(self, text: str, where: str) -> list[str]:
        """Return the texts of all ranks, in rank order.

        Ranks send short texts over the store: on few cores a collective takes several times as
        long.

        Args:
            text: Text of this rank, in ASCII characters.
            where: Description of the exchange, equal on all ranks.
        """
        words = self.arrivals.meet(where, f"{len(text)} {text[:SHORT]}")
        parts = [word.partition(" ") for word in words]
        sizes = [int(size) for size, _, _ in parts]
        rest = max(0, max(sizes) - SHORT)
        ends = [""] * len(words)
        if rest:
            ends = self._all_gather_rest(text[SHORT:].ljust(rest), where)
        return [
            (beginning + end)[:size]
            for (_, _, beginning), end, size in zip(parts, ends, sizes, strict=True)
        ]

    def finish(self, work: dist.Work | None, where: str) -> None:
        """Wait for a collective.

        Raises:
            CommunicationError: The collective fails; the error says where all ranks are.
        """
        try:
            if work is not None:
                work.wait(self._timeout)
        except (RuntimeError, ValueError) as error:
            places = self.arrivals.whereabouts(where)
            raise CommunicationError(
                f"{where} failed: {places} ({str(error).splitlines()[0]})",
                missing=self.arrivals.absent,
            ) from error

    def _all_gather_rest(self, text: str, where: str) -> list[str]:
        """Return the texts of all ranks, which have the same length."""
        mine = torch.frombuffer(bytearray(text, "ascii"), dtype=torch.uint8)
        parts = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
        # No local variable for the group: the traceback of a failure would keep it, see `Groups`.
        work = dist.all_gather(parts, mine, group=self.groups["control"], async_op=True)
        self.finish(work, where)
        # Without numpy, which torch does not require.
        return [ctypes.string_at(part.data_ptr(), part.nbytes).decode() for part in parts]
