"""What a child receives, piece by piece."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import attrs
import torch.distributed as dist
from torch import Tensor

from clantune_clan.inheritance.averaging import mean
from clantune_clan.inheritance.outbox import AHEAD, IN_PLACE_AHEAD, Outbox, Post
from clantune_clan.inheritance.pieces import Piece, in_place, length, read, write


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
class _Arrival:
    """A piece that comes here, from each source.

    Attributes:
        place: Its number.
        piece: It.
        after: This rank's own pieces that are read from where this one goes: they go first.
        there: Where it goes, if it can be received there.
    """

    place: int
    piece: Piece
    after: frozenset[int]
    there: Tensor | None
    messages: list[Tensor] = attrs.field(factory=list)
    receiving: list[dist.Work | None] = attrs.field(factory=list)
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
        outbox: Outbox,
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
        self._post, self._tensors, self._own = post, tensors, own
        self._sources, self._first, self._outbox = sources, first, outbox
        self._all = [self._arrival(place, piece) for place, piece in enumerate(pieces)]
        self._here: deque[_Arrival] = deque()
        self._next = self.received = 0

    def __len__(self) -> int:
        """Return the number of pieces."""
        return len(self._all)

    def begin(self, place: int) -> None:
        """Begin to receive this piece and its followers, those for which it is time."""
        for arrival in self._all[self._next : place + IN_PLACE_AHEAD]:
            if arrival.messages:
                continue
            if arrival.there is not None:
                if self._may_come(arrival):
                    self._expect(arrival, [arrival.there])
            elif arrival.place < place + AHEAD:
                size = length(arrival.piece)
                self._expect(arrival, [self._post.buffers.take(size) for _ in self._sources])

    def advance(self, place: int) -> None:
        """Wait for a piece, if there is one, and begin to hand it on."""
        if place not in range(len(self._all)):
            return
        arrival = self._all[place]
        self._next = place + 1
        for source, message, work in zip(
            self._sources, arrival.messages, arrival.receiving, strict=True
        ):
            if source.before is None:
                continue
            self._post.finish(work)
            self.received += len(message)
            if source.after is not None:
                arrival.handing_on.append(
                    self._post.send(message, source.after, place, source.parent)
                )
        self._here.append(arrival)

    def settle(self, keep: int = AHEAD) -> None:
        """Put away the pieces that may be.

        Args:
            keep: How many pieces stay as long as they are still being handed on.
        """
        while self._here and self._may_come(self._here[0]):
            if self._here[0].handing_on and len(self._here) <= keep:
                return
            arrival = self._here.popleft()
            for work in arrival.handing_on:
                self._post.finish(work)
            if arrival.there is None:
                self._put(arrival.piece, arrival.messages)
                for message in arrival.messages:
                    self._post.buffers.give_back(message)
            # They would hold memory.
            arrival.messages, arrival.receiving, arrival.handing_on = [], [], []

    def _arrival(self, place: int, piece: Piece) -> _Arrival:
        after = frozenset(
            each
            for part in piece
            for each in self._outbox.reading(self._tensors[part.leaf], part.begin)
        )
        there = None
        if len(self._sources) == 1 and all(each <= place for each in after):
            there = in_place(piece, self._tensors)
        return _Arrival(place, piece, after, there)

    def _may_come(self, arrival: _Arrival) -> bool:
        return all(map(self._outbox.is_gone, arrival.after))

    def _expect(self, arrival: _Arrival, messages: list[Tensor]) -> None:
        arrival.messages = messages
        arrival.receiving = [
            None
            if source.before is None
            else self._post.receive(message, source.before, arrival.place, source.parent)
            for source, message in zip(self._sources, messages, strict=True)
        ]

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
