"""Messages from parents to children, piece by piece, while nobody waits for more than a piece.

Each parent's pieces go along a chain: to its first child, who hands them on to the next. So no rank
sends more than twice what it holds, however many children a parent has. A rank that is parent and
child at once overwrites a piece only when its own has left, so plans may go in circles.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence

import attrs
import torch.distributed as dist
from torch import Tensor

from clantune_clan.communication.buffers import Buffers
from clantune_clan.communication.transfer import Transfer
from clantune_clan.inheritance.averaging import mean
from clantune_clan.inheritance.pieces import Piece, in_place, length, read, write

AHEAD = 2
"""Messages of one parent that are on their way at once, of those that take up staging."""

IN_PLACE_AHEAD = 32
"""Messages that may be on their way at once if they take up none."""

STAGING = 24 * 2**20
"""Bytes that all messages of a rank may take at once."""

WHERE = "moving what is inherited"


@attrs.frozen
class Source:
    """Where the pieces of one parent come from.

    Attributes:
        parent: The parent's number, which tells its messages from others.
        weight: Its weight, relative to the greatest.
        before: The rank that sends its pieces here; None if this rank is the parent itself.
        after: The rank that they are handed on to; None if this is the last one.
    """

    parent: int
    weight: float
    before: int | None
    after: int | None


@attrs.define
class Post:
    """How one rank reaches the others: messages are numbered by piece and parent."""

    transfer: Transfer
    members: int

    def send(self, message: Tensor, rank: int, place: int, parent: int) -> dist.Work | None:
        """Begin to send a piece."""
        return self.transfer.send(message, rank, place * self.members + parent)

    def receive(self, message: Tensor, rank: int, place: int, parent: int) -> dist.Work | None:
        """Begin to receive a piece."""
        return self.transfer.receive(message, rank, place * self.members + parent)

    def finish(self, work: dist.Work | None) -> None:
        """Wait."""
        self.transfer.finish(work, WHERE)

    @property
    def buffers(self) -> Buffers:
        """Room for messages."""
        return self.transfer.buffers


class Outbox:
    """What a parent sends to the first one of its chain."""

    def __init__(
        self,
        post: Post,
        tensors: Sequence[Tensor],
        pieces: Sequence[Piece],
        parent: int,
        to: int,
    ) -> None:
        """Send pieces of tensors to a rank.

        Args:
            post: How the others are reached.
            tensors: What is sent.
            pieces: How it is sent.
            parent: The number of this rank's member.
            to: The rank that it is sent to.
        """
        self._post, self._tensors, self._pieces = post, tensors, pieces
        self._parent, self._to = parent, to
        self._sending: deque[tuple[dist.Work | None, Tensor | None]] = deque()
        self._begun = self.sent = 0
        self.last = {
            (tensors[part.leaf].data_ptr(), part.begin): place
            for place, piece in enumerate(pieces)
            for part in piece
        }

    def __len__(self) -> int:
        """Return the number of pieces."""
        return len(self._pieces)

    def begin(self, place: int) -> None:
        """Begin to send the pieces up to this one and its followers."""
        while self._begun < min(len(self._pieces), place + IN_PLACE_AHEAD):
            piece = self._pieces[self._begun]
            buffer, message = None, in_place(piece, self._tensors)
            if message is None:
                if self._begun >= place + AHEAD:
                    return
                message = buffer = self._post.buffers.take(length(piece))
                read(piece, self._tensors, message)
            work = self._post.send(message, self._to, self._begun, self._parent)
            self._sending.append((work, buffer))
            self._begun += 1

    def advance(self) -> None:
        """Wait until the next piece has left, if there is one."""
        if not self._sending:
            return
        work, buffer = self._sending.popleft()
        self._post.finish(work)
        if buffer is not None:
            self._post.buffers.give_back(buffer)
        self.sent += 1


@attrs.define
class _Arrival:
    """A piece that is on its way here, from each source."""

    place: int
    messages: list[Tensor]
    receiving: list[dist.Work | None]
    is_in_place: bool
    handing_on: list[dist.Work | None] = attrs.field(factory=list)


class Inbox:
    """What a child receives, hands on, and puts where it belongs."""

    def __init__(
        self,
        post: Post,
        tensors: Sequence[Tensor],
        pieces: Sequence[Piece],
        sources: Sequence[Source],
        own: Sequence[Tensor],
        first: int,
        outbox: Outbox | None,
    ) -> None:
        """Fill tensors from sources.

        Args:
            post: How the others are reached.
            tensors: What is filled.
            pieces: How it comes.
            sources: Where it comes from, by parent.
            own: What this rank holds itself, for when it is one of its own parents.
            first: Place among the sources of the one that is the first parent.
            outbox: What must have left before it is overwritten.
        """
        self._post, self._tensors, self._pieces, self._own = post, tensors, pieces, own
        self._sources, self._first = sources, first
        self._last = outbox.last if outbox else {}
        self._coming: deque[_Arrival] = deque()
        self._here: deque[_Arrival] = deque()
        self._begun = self.received = 0

    def __len__(self) -> int:
        """Return the number of pieces."""
        return len(self._pieces)

    def begin(self, place: int) -> None:
        """Begin to receive the pieces up to this one and its followers."""
        while self._begun < min(len(self._pieces), place + IN_PLACE_AHEAD):
            piece = self._pieces[self._begun]
            there = None
            if len(self._sources) == 1 and self._needs(piece) < 0:
                there = in_place(piece, self._tensors)
            if there is None and self._begun >= place + AHEAD:
                return
            self._coming.append(self._expect(self._begun, there))
            self._begun += 1

    def _expect(self, place: int, there: Tensor | None) -> _Arrival:
        size = length(self._pieces[place])
        messages = (
            [there] if there is not None else [self._post.buffers.take(size) for _ in self._sources]
        )
        receiving = [
            None
            if source.before is None
            else self._post.receive(message, source.before, place, source.parent)
            for source, message in zip(self._sources, messages, strict=True)
        ]
        return _Arrival(place, messages, receiving, there is not None)

    def advance(self) -> None:
        """Wait for the next piece, if there is one, and begin to hand it on."""
        if not self._coming:
            return
        arrival = self._coming.popleft()
        for source, message, work in zip(
            self._sources, arrival.messages, arrival.receiving, strict=True
        ):
            if source.before is None:
                continue
            self._post.finish(work)
            self.received += len(message)
            if source.after is not None:
                arrival.handing_on.append(
                    self._post.send(message, source.after, arrival.place, source.parent)
                )
        self._here.append(arrival)

    def settle(self, sent: int, keep: int = AHEAD) -> None:
        """Put away the pieces that may be, when so many of this rank's own have left.

        Args:
            sent: How many have.
            keep: How many pieces stay as long as they are still being handed on.
        """
        while self._here and self._needs(self._pieces[self._here[0].place]) < sent:
            if self._here[0].handing_on and len(self._here) <= keep:
                return
            arrival = self._here.popleft()
            for work in arrival.handing_on:
                self._post.finish(work)
            if not arrival.is_in_place:
                self._put(self._pieces[arrival.place], arrival.messages)
                for message in arrival.messages:
                    self._post.buffers.give_back(message)

    def _needs(self, piece: Piece) -> int:
        """Return the last of this rank's own pieces that reads from where this one goes."""
        return max(
            self._last.get((self._tensors[part.leaf].data_ptr(), part.begin), -1) for part in piece
        )

    def _put(self, piece: Piece, messages: list[Tensor]) -> None:
        result = messages[self._first]
        if len(messages) > 1:
            for source, message in zip(self._sources, messages, strict=True):
                if source.before is None:
                    read(piece, self._own, message)
            weights = [source.weight for source in self._sources]
            for part in piece:
                dtype = self._tensors[part.leaf].dtype
                mean(part, dtype, messages, weights, result)
        write(piece, self._tensors, result)


def exchange(outbox: Outbox | None, inbox: Inbox | None) -> None:
    """Send and receive everything."""
    ends = [end for end in (inbox, outbox) if end]  # whoever sends waits for one who receives
    for place in range(max(map(len, ends), default=0)):
        for end in ends:
            end.begin(place)
        for end in ends:
            end.advance()
        if inbox:
            inbox.settle(outbox.sent if outbox else 0)
    if inbox:
        inbox.settle(sys.maxsize, keep=0)
