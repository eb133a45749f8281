"""The connection of a rank to the others: meetings on the store, process groups, transfers."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed import PrefixStore  # type: ignore[attr-defined]  # not listed

from clantune_clan.communication import last_words
from clantune_clan.communication.arrival import Arrivals
from clantune_clan.communication.groups import Groups
from clantune_clan.communication.host import Host
from clantune_clan.communication.patience import wait_for_messages
from clantune_clan.communication.transfer import Transfer

SHORT = 4096
"""Characters that a rank sends over the store, at most. It sends the rest of a text over gloo."""

TOGETHER = 16 * SHORT
"""Characters that all ranks together send over the store, at most: its host answers each rank."""


class Connection:
    """Connects the ranks of the default process group.

    Attributes:
        groups: Process groups: `"control"`, a gloo group of all ranks for every kind of tensors;
            `"member"`, the ranks that train one member; `"peers"`, the ranks that have the same
            place in their members; `"half clan"` and `"half clan, peers"`, if there are half clans.
        arrivals: Meetings of all ranks.
        transfer: Transfer that moves tensors between members.
    """

    transfer: Transfer

    def __init__(self, timeout: timedelta) -> None:
        """Connect to the store. `make_groups` follows when the ranks agree on their members.

        Args:
            timeout: Time for which a rank waits for another one.
        """
        # torch has no public access to its store, and a second store would need a second port.
        store = dist.distributed_c10d._get_default_store()
        # Every rank makes its channels of a process group in the same order.
        number = Host(timeout).call(
            lambda: store.add(f"clantune/channels of rank {dist.get_rank()}", 1)
        )
        own = PrefixStore(f"clantune{number}", store)
        self._timeout = timeout
        self.arrivals = Arrivals(own, dist.get_rank(), dist.get_world_size(), timeout)
        self.groups = Groups(timeout)
        self._short = sys.maxsize  # the whole text, until there is a group for its rest
        last_words.open_for(self.arrivals.announce)

    def make_groups(self, ranks_per_member: int) -> None:
        """Make the groups. All ranks call this together.

        Args:
            ranks_per_member: Number of consecutive ranks that train one member together.
        """
        world_size = dist.get_world_size()
        firsts = range(0, world_size, ranks_per_member)
        members = [range(first, first + ranks_per_member) for first in firsts]

        def make() -> None:
            self.groups.make("control", [range(world_size)], "gloo")
            if ranks_per_member > 1:
                self.groups.make("member", members, None)
                self.groups.make("peers", _peers(range(world_size), ranks_per_member), None)

        self.arrivals.begin("making the process groups", make)
        self._ranks_per_member = ranks_per_member
        self._short = min(SHORT, TOGETHER // world_size)
        self.transfer = Transfer(world_size, ranks_per_member, self.groups, self.finish)

    def make_halves(self, halves: Sequence[Sequence[int]]) -> None:
        """Make the groups `"half clan"` of the ranks of each half. All ranks call this together."""
        size = self._ranks_per_member

        def make() -> None:
            self.groups.make("half clan", halves, None)
            if size > 1:
                peers = [ranks for half in halves for ranks in _peers(half, size)]
                self.groups.make("half clan, peers", peers, None)

        self.arrivals.begin("making the half clans", make)

    def all_gather(self, text: str, where: str) -> list[str]:
        """Return the texts of all ranks, in rank order.

        Ranks send short texts over the store: on few cores a collective takes several times as
        long. The more ranks there are, the shorter such a text is.

        Args:
            text: Text of this rank, in ASCII characters.
            where: Description of the exchange, equal on all ranks.
        """
        short = self._short
        words = self.arrivals.meet(where, f"{len(text)} {text[:short]}")
        parts = [word.partition(" ") for word in words]
        sizes = [int(size) for size, _, _ in parts]
        rest = max(0, max(sizes) - short)
        ends = [""] * len(words)
        if rest:
            ends = self._all_gather_rest(text[short:].ljust(rest), where)
        return [
            (beginning + end)[:size]
            for (_, _, beginning), end, size in zip(parts, ends, sizes, strict=True)
        ]

    def finish(self, work: dist.Work | None, where: str) -> None:
        """Wait for a collective, or for a message.

        Raises:
            CommunicationError: It fails; the error says where all ranks are.
            ClanTuneError: Another rank has announced that it failed.
        """
        try:
            if work is not None:
                wait_for_messages(work, self._timeout, lambda: self.arrivals.is_broken)
        except (RuntimeError, ValueError) as error:
            raise self.arrivals.broken(where, where, error) from error

    def close(self) -> None:
        """Destroy all groups, on this rank."""
        last_words.close_for(self.arrivals.announce)
        self.groups.close()

    def _all_gather_rest(self, text: str, where: str) -> list[str]:
        """Return the texts of all ranks, which have the same length."""
        mine = torch.frombuffer(bytearray(text, "ascii"), dtype=torch.uint8)
        parts = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
        # No local variable for the group: the traceback of a failure would keep it, see `Groups`.
        work = dist.all_gather(parts, mine, group=self.groups["control"], async_op=True)
        self.finish(work, where)
        # Without numpy, which torch does not require.
        return [ctypes.string_at(part.data_ptr(), part.nbytes).decode() for part in parts]


def _peers(ranks: Sequence[int], size: int) -> list[Sequence[int]]:
    """Return the ranks of equal place in their members, if there are several members.

    Args:
        ranks: Ranks of some members, in order.
        size: Number of ranks of a member.
    """
    return [ranks[place::size] for place in range(size)] if len(ranks) > size else []
