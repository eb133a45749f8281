"""The channel between the ranks of a clan: plain data, groups, and tensors at the start."""

from __future__ import annotations

import contextlib
import json
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import torch.distributed as dist
from torch import Tensor

from clantune_clan.communication.broadcast import send
from clantune_clan.communication.connection import Connection
from clantune_clan.communication.difference import difference_of
from clantune_clan.communication.envelope import pack, unpack
from clantune_clan.communication.failure import Failure
from clantune_clan.communication.joining import TIMEOUT, current_world_size, join, leave
from clantune_clan.communication.members import agree_on_members
from clantune_clan.communication.stop import Stop
from clantune_clan.communication.transfer import Transfer
from clantune_clan.errors import ClanError, CommunicationError
from clantune_core import ClanTuneError

T = TypeVar("T")


class Communication:
    """Exchanges data between the ranks of a clan.

    Every collective of ClanTune is in this package or in `reduction`. All ranks call the same
    methods in the same order. Ranks exchange tensors as they are, and all other data as JSON.
    Without a process group there is one rank.

    Attributes:
        rank: Number of this process, from 0.
        world_size: Number of processes.
        ranks_per_member: Number of consecutive ranks that train one member together.
        member_index: Number of the member that this rank belongs to, from 0.
        num_members: Number of members.
        deadline: Time for which a rank waits for another one.
        stop: Request to save and to leave, such as a signal.
    """

    def __init__(
        self,
        *,
        ranks_per_member: int = 1,
        num_members: int | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        """Join the process group that a launcher has prepared, and make groups of its ranks.

        Every rank makes its own `Communication` at the same time.

        Args:
            ranks_per_member: Number of consecutive ranks that train one member together.
            num_members: Number of members, which overrides `ranks_per_member`, or None.
            timeout: Seconds to wait for a rank, in an exchange or a step.
        """
        if not timeout > 0.0:
            raise ClanError(f"timeout is a number of seconds above 0; got {timeout!r}")
        self.deadline = timedelta(seconds=timeout)
        self._has_joined = join(self.deadline)
        self.world_size = current_world_size()
        self.rank = dist.get_rank() if self.world_size > 1 else 0
        self._is_open = True
        self._connection: Connection | None = None
        self._halves: list[bool] = []
        self.stop = Stop(lambda _: None, lambda: 0)
        if self.world_size > 1:
            self._connection = Connection(self.deadline)
            arrivals = self._connection.arrivals
            self.stop = stop = Stop(arrivals.ask_to_stop, arrivals.asked_to_stop)
            arrivals.is_stopping = lambda: stop.signal > 0
            # Groups also end with this object, and before the process ends: if a thread of a group
            # still runs when Python has ended, it aborts the process.
            self._end_groups = weakref.finalize(self, self._connection.close)
        try:
            self.ranks_per_member = agree_on_members(
                ranks_per_member, num_members, self.world_size, timeout, self.require_same
            )
            if self._connection is not None:
                self._connection.make_groups(self.ranks_per_member)
        except BaseException:
            self.close()
            raise
        self.num_members = self.world_size // self.ranks_per_member
        self.member_index = self.rank // self.ranks_per_member

    @property
    def transfer(self) -> Transfer:
        """The transfer that moves tensors between members. A single rank has none."""
        return self._connected.transfer

    @property
    def everybody(self) -> dist.ProcessGroup | None:
        """The group of all ranks, for tensors; None if there is one rank."""
        return dist.group.WORLD if self.world_size > 1 else None

    @property
    def own(self) -> dist.ProcessGroup | None:
        """The group of this member's ranks, for tensors; None if it has one rank."""
        return None if self._connection is None else self._connection.groups.get("member")

    @property
    def half_clan(self) -> dist.ProcessGroup | None:
        """The group of this rank's half of the clan; None if it has one rank."""
        return None if self._connection is None else self._connection.groups.get("half clan")

    def peers_in(self, group: dist.ProcessGroup) -> dist.ProcessGroup | None:
        """Return the ranks of a group with this rank's place in their members; None if only it."""
        if self.ranks_per_member == 1:
            return group
        if group is self.own:
            return None
        name = "peers" if group is self.everybody else "half clan, peers"
        return self._connected.groups.get(name)

    @property
    def meetings(self) -> int:
        """Number of times that the ranks have met to exchange plain data."""
        return 0 if self._connection is None else self._connection.arrivals.meetings

    def together(
        self, where: str, function: Callable[[], Any], *, kind: str | None = None
    ) -> list[Any]:
        """Call a function on every rank; return the values of all, in rank order, on every rank.

        If it fails on one rank, it fails on all. That rank raises its own exception. The other
        ranks raise one that names the rank, with the class (if it is ClanTune's), the message and
        the notes of the original.

        Args:
            where: Description of the exchange, such as `"the end of round 3"`, equal on all ranks.
            function: Function that returns plain JSON data; a tuple arrives as a list.
            kind: Description that is equal on all ranks if `where` is not.

        Raises:
            CommunicationError: A rank is missing or at another place.
        """
        self._require_usable(where)
        try:
            text = json.dumps(function())
        except Exception as problem:
            self._exchange(where, kind, "null", Failure.of(problem))
            raise
        return self._exchange(where, kind, text)

    def attempt(self, where: str, function: Callable[[], T]) -> T:
        """Call a function on every rank; return its value on this rank, which may be any object.

        If it fails on one rank, it fails on all, as in `together`.
        """
        values: list[T] = []
        self.together(where, lambda: values.append(function()))
        return values[0]

    def gather(
        self, where: str, value: Any, *, problem: Exception | None = None, kind: str | None = None
    ) -> list[Any]:
        """Return the value of every rank, in rank order, on every rank.

        Args:
            where: Description of the exchange, as in `together`.
            value: Plain JSON data.
            problem: Exception that this rank raises instead of sending the value.
            kind: Description that is equal on all ranks if `where` is not.
        """

        def function() -> Any:
            if problem is not None:
                raise problem
            return value

        return self.together(where, function, kind=kind)

    def require_same(
        self, where: str, describe: Callable[[], Mapping[str, Mapping[str, Any]]]
    ) -> None:
        """Check that all ranks have the same entries in the same order.

        Args:
            where: Description of the exchange, as in `together`.
            describe: Function that returns entries by name for each subject, such as `"the model"`.

        Raises:
            ClanError: Two ranks differ. Every rank raises it; it names both and the difference.
        """
        first, *others = self.together(where, describe)
        for rank, theirs in enumerate(others, start=1):
            for subject, entries in first.items():
                if difference := difference_of(entries, theirs[subject], rank):
                    raise ClanError(
                        f"the ranks differ in {subject}: {difference}; build the same on every rank"
                    )

    def divide(self, half: bool) -> None:
        """Divide the clan into halves by the value of each rank. All ranks call this together."""
        halves = self.gather("dividing the clan", bool(half))
        if self._connection is not None and halves != self._halves:
            self._halves = halves
            divisions = [[r for r, h in enumerate(halves) if h is side] for side in (True, False)]
            divisions = [ranks for ranks in divisions if len(ranks) > 1]
            self._connection.make_halves(divisions)

    def broadcast(
        self, where: str, tensors: Iterable[Tensor], *, source: int = 0, among_peers: bool = False
    ) -> None:
        """Fill tensors with the values of one rank.

        Args:
            where: Description of the exchange, as in `together`.
            tensors: Tensors of the same shapes and types on all ranks that get them.
            source: Rank that sends its tensors to the others.
            among_peers: Whether all ranks of its member send, each to those of equal place.
        """
        self.gather(where, None)
        group = self.everybody
        if among_peers and self.ranks_per_member > 1:
            group = self._connected.groups.get("peers")
            source += (self.rank - source) % self.ranks_per_member
        if group is not None:
            send(tensors, group, source, self._connected.finish)

    def announce(self, problem: Exception) -> None:
        """Publish an error of this rank for the ranks that wait for it."""
        if self._connection is not None:
            self._connection.arrivals.announce(Failure.of(problem))

    @contextlib.contextmanager
    def announcing(self) -> Iterator[None]:
        """Announce an exception of the block, and close this channel after it."""
        try:
            yield
        except Exception as problem:
            with contextlib.suppress(CommunicationError):  # nobody can hear it
                self.announce(problem)
            self.close()
            raise

    def is_broken(self) -> bool:
        """Return whether a rank has failed, so that no collective ends well any more."""
        return self._connected.arrivals.is_broken

    def whereabouts(self, where: str) -> str:
        """Return a description of where all ranks are, after a failure on this rank."""
        return self._connected.arrivals.whereabouts(where)

    def broken(self, what: str, where: str, error: Exception, advice: str) -> ClanTuneError:
        """Return the error of this rank after a collective has failed, see `Connection.broken`."""
        return self._connected.arrivals.broken(what, where, error, advice)

    def close(self) -> None:
        """Leave the process groups that this channel has made.

        Each rank closes its own channel and does not wait for the others. This also destroys the
        default process group if a channel has made it and no other channel uses it. A second call
        does nothing.
        """
        if not self._is_open:
            return
        self._is_open = False
        if self._connection is not None:
            self._end_groups()
            self._connection.arrivals.close()
        if self._has_joined:
            leave()

    @property
    def _connected(self) -> Connection:
        if self._connection is None:
            raise ClanError("there is one rank, so there is no other rank to communicate with")
        return self._connection

    def _exchange(
        self, where: str, kind: str | None, text: str, failure: Failure | None = None
    ) -> list[Any]:
        """Send a value as JSON, or a failure; return the values of all ranks."""
        if self._connection is None:
            return [json.loads(text)]
        texts = self._connection.all_gather(pack(kind or where, text, failure), where)
        return [] if failure is not None else unpack(texts, self.rank)

    def _require_usable(self, where: str) -> None:
        if not self._is_open:
            raise ClanError(
                f"this channel is closed, so it cannot be used for {where}: make another one"
            )
        world_size = current_world_size()
        if world_size != self.world_size:
            raise ClanError(
                f"the world size is {world_size}, but it was {self.world_size} when this clan was "
                f"made, so it does not reach every rank: make the clan after "
                "torch.distributed.init_process_group(...); a framework calls that late, so make "
                "it in configure_optimizers of a LightningModule instead of __init__, or in the "
                "function that torch.multiprocessing.spawn starts"
            )
