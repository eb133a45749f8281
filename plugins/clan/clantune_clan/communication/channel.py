"""The channel between the ranks of a clan: plain data, groups, and tensors at the start."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import attrs
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import PrefixStore  # type: ignore[attr-defined]  # not listed

from clantune_clan.communication.arrival import Arrivals
from clantune_clan.communication.buckets import Outline, buckets_of
from clantune_clan.communication.difference import difference_of
from clantune_clan.communication.failure import Failure
from clantune_clan.communication.joining import join
from clantune_clan.communication.transfer import Transfer
from clantune_clan.errors import ClanError, CommunicationError

T = TypeVar("T")

TIMEOUT = 600.0

MOST_HALVES = 32
"""Groups of halves that are kept: each holds connections and threads."""

SHORT = 4096
"""Letters that the store carries for each rank to each; what is longer follows over gloo."""


class Communication:
    """What the ranks of a clan tell each other. Every collective is here, or in `gradients`.

    All ranks call the same methods in the same order. What is not a tensor travels as JSON, by the
    store if it is short, and over a gloo group of its own, whatever the tensors use. Without a
    process group there is one rank.

    Attributes:
        rank: This process, from 0.
        world_size: Number of processes.
        ranks_per_member: How many consecutive ranks train one member together.
        member_index: The member that this rank belongs to, from 0.
        num_members: Number of members.
        deadline: How long anybody waits for anybody.
        transfer: Who moves tensors between members, where there is a process group.
    """

    def __init__(self, *, ranks_per_member: int = 1, timeout: float = TIMEOUT) -> None:
        """Join the process group that a launcher has prepared, and make groups of its ranks.

        Every rank makes its own `Communication` at the same time.

        Args:
            ranks_per_member: How many consecutive ranks train one member together.
            timeout: Seconds to wait for a rank, in an exchange or a step.
        """
        if not timeout > 0.0:
            raise ClanError(f"timeout is a number of seconds above 0; got {timeout!r}")
        self.deadline = timedelta(seconds=timeout)
        join(self.deadline)
        connected = dist.is_available() and dist.is_initialized()
        self.rank = dist.get_rank() if connected else 0
        self.world_size = dist.get_world_size() if connected else 1
        if ranks_per_member < 1:
            raise ClanError(
                f"ranks_per_member is a number of ranks, 1 or more; got {ranks_per_member!r}"
            )
        if self.world_size % ranks_per_member:
            raise ClanError(
                f"{self.world_size} ranks cannot make members of {ranks_per_member}: start a "
                f"multiple of {ranks_per_member} processes"
            )
        self.ranks_per_member = ranks_per_member
        self.member_index = self.rank // ranks_per_member
        self.num_members = self.world_size // ranks_per_member
        self._halves: dict[tuple[int, ...], dist.ProcessGroup] = {}
        self._own: dist.ProcessGroup | None = None
        if connected:
            # torch has no public way to its store, and a second one would need a second port.
            store = dist.distributed_c10d._get_default_store()
            # Every rank makes its channels of a process group in the same order.
            number = store.add(f"clantune/channels of rank {self.rank}", 1)
            store = PrefixStore(f"clantune{number}", store)
            self._arrivals = Arrivals(store, self.rank, self.world_size, self.deadline)
            self._control = dist.new_group(backend="gloo", timeout=self.deadline)
            self._own = self._make_own()
            self.transfer = Transfer(self.world_size, ranks_per_member, self._control, self._finish)

    @property
    def everybody(self) -> dist.ProcessGroup | None:
        """The group of all ranks, for tensors; None if there is one rank."""
        return dist.group.WORLD if self.world_size > 1 else None

    @property
    def own(self) -> dist.ProcessGroup | None:
        """The group of this member's ranks, for tensors; None if it has one rank."""
        return self._own

    @property
    def absent(self) -> tuple[int, ...]:
        """The ranks that were found missing when something failed last."""
        return self._arrivals.absent if self.world_size > 1 else ()

    def together(self, where: str, function: Callable[[], Any]) -> list[Any]:
        """Call a function on every rank; return what each returned, in rank order, on every rank.

        If it fails on one rank, it fails on all: that rank raises its own exception, and the other
        ranks raise one that names the rank, with the class (if it is ClanTune's), the message and
        the notes of the original.

        Args:
            where: What this is about, in words, such as `"the end of round 3"`: the same on all.
            function: Returns plain JSON data; a tuple arrives as a list.

        Raises:
            CommunicationError: A rank is missing or somewhere else.
        """
        try:
            text = json.dumps(function())
        except Exception as problem:
            self._exchange(where, "null", Failure.of(problem))
            raise
        return self._exchange(where, text)

    def attempt(self, where: str, function: Callable[[], T]) -> T:
        """Call a function on every rank; return what it returned here, which may be anything.

        If it fails on one rank, it fails on all, as in `together`.
        """
        values: list[T] = []
        self.together(where, lambda: values.append(function()))
        return values[0]

    def gather(self, where: str, value: Any, *, problem: Exception | None = None) -> list[Any]:
        """Return the value of every rank, in rank order, on every rank.

        Args:
            where: What this is about, as in `together`.
            value: Plain JSON data.
            problem: An exception that this rank raises instead.
        """

        def function() -> Any:
            if problem is not None:
                raise problem
            return value

        return self.together(where, function)

    def require_same(
        self, where: str, describe: Callable[[], Mapping[str, Mapping[str, Any]]]
    ) -> None:
        """Check that all ranks have the same entries in the same order.

        Args:
            where: What this is about, as in `together`.
            describe: Returns entries by name, for each subject, such as `"the model"`.

        Raises:
            ClanError: Two ranks differ; the error, on every rank, names both and what differs.
        """
        first, *others = self.together(where, describe)
        for rank, theirs in enumerate(others, start=1):
            for subject, entries in first.items():
                if difference := difference_of(entries, theirs[subject], rank):
                    raise ClanError(
                        f"the ranks differ in {subject}: {difference}; build the same on every rank"
                    )

    def halves(self, side: bool) -> dist.ProcessGroup | None:
        """Return the group of the ranks that are on the same side as this one.

        Groups are made when a division is met for the first time, and the latest are kept. None if
        there is nobody to share with.
        """
        sides = self.gather("dividing the clan", bool(side))
        divided = [[rank for rank, held in enumerate(sides) if held is s] for s in (True, False)]
        for ranks in divided:  # all ranks make both, in one order, as torch wants it
            key = tuple(ranks)
            if len(ranks) > 1:
                group = self._halves.pop(key, None) or dist.new_group(ranks, timeout=self.deadline)
                self._halves[key] = group
        while len(self._halves) > MOST_HALVES:
            oldest = self._halves.pop(next(iter(self._halves)))
            if isinstance(oldest, dist.ProcessGroup):  # and not the sign that it is of others
                dist.destroy_process_group(oldest)
        return self._halves.get(tuple(divided[0] if side else divided[1]))

    def broadcast(self, tensors: Sequence[Tensor], *, source: int = 0) -> None:
        """Fill tensors, which are of the same shapes and types everywhere, with those of a rank."""
        if self.world_size == 1:
            return
        self.gather("handing out the first weights", None)
        by_outline = {Outline.of(str(i), t): t.detach() for i, t in enumerate(tensors)}
        for bucket in buckets_of(by_outline):
            packed = bucket.pack(by_outline, by_outline[bucket.rows[0].outline].device)
            data = packed.view(torch.uint8)  # gloo cannot broadcast every type
            self._finish(dist.broadcast(data, src=source, async_op=True), "a broadcast")
            if self.rank != source:
                bucket.unpack(packed, by_outline)

    def close(self) -> None:
        """Stop."""

    def announce(self, problem: Exception) -> None:
        """Let the others read what went wrong here, when they wait for this rank in vain."""
        if self.world_size > 1:
            failure = Failure.of(problem)
            self._arrivals.announce("; ".join([str(failure), *failure.notes]))

    def whereabouts(self, where: str) -> str:
        """Return in words where all ranks are, when something failed here."""
        return self._arrivals.whereabouts(where)

    def _make_own(self) -> dist.ProcessGroup | None:
        if self.ranks_per_member == 1:
            return None
        made: dist.ProcessGroup | None = None
        for member in range(self.num_members):
            ranks = [member * self.ranks_per_member + i for i in range(self.ranks_per_member)]
            group = dist.new_group(ranks, timeout=self.deadline)
            if member == self.member_index:
                made = group
        return made

    def _exchange(self, where: str, text: str, failure: Failure | None = None) -> list[Any]:
        """Give a value as JSON, or say what went wrong; return the values of all ranks."""
        told = None if failure is None else attrs.asdict(failure)
        answers = self._all_gather(f"[{json.dumps([where, told])}, {text}]", where)
        for rank, ((place, _), _) in enumerate(answers):
            if place != where:
                raise CommunicationError(
                    f"rank {rank} is at {place}, and rank {self.rank} at {where}: every rank "
                    "takes the same steps"
                )
        for rank, ((_, other), _) in enumerate(answers if failure is None else ()):
            if other is not None:
                raise Failure(**other).error(rank)
        return [value for _, value in answers]

    def _all_gather(self, text: str, where: str) -> list[Any]:
        if self.world_size == 1:
            return [json.loads(text)]
        # JSON has a byte for each letter, since it escapes all others. Short texts meet at the
        # store: a collective takes several times as long on few cores.
        words = self._arrivals.meet(where, f"{len(text)} {text[:SHORT]}")
        told = [(int(size), begun) for size, _, begun in (word.partition(" ") for word in words)]
        rest = max(0, max(size for size, _ in told) - SHORT)
        ends = [b""] * len(told)
        if rest:
            ends = self._all_gather_bytes(text[SHORT:].ljust(rest).encode(), where)
        return [
            json.loads((begun + end.decode())[:size])
            for (size, begun), end in zip(told, ends, strict=True)
        ]

    def _all_gather_bytes(self, data: bytes, where: str) -> list[bytes]:
        mine = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        parts = [torch.empty_like(mine) for _ in range(self.world_size)]
        self._finish(dist.all_gather(parts, mine, group=self._control, async_op=True), where)
        # Not by way of numpy, which torch does not ask for.
        return [ctypes.string_at(part.data_ptr(), part.nbytes) for part in parts]

    def _finish(self, work: dist.Work | None, where: str) -> None:
        try:
            if work is not None:
                work.wait(self.deadline)
        except (RuntimeError, ValueError) as error:
            places = self._arrivals.whereabouts(where)
            raise CommunicationError(
                f"{where} failed: {places} ({str(error).splitlines()[0]})", missing=self.absent
            ) from error
