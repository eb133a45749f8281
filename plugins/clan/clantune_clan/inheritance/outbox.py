"""What a parent sends, piece by piece."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import torch.distributed as dist
from torch import Tensor

from clantune_clan.communication.buffers import Buffers
from clantune_clan.communication.transfer import Transfer
from clantune_clan.inheritance.pieces import Piece, in_place, length, read

AHEAD = 2
"""Messages of one parent that are on their way at once, of those that take up staging."""

IN_PLACE_AHEAD = 32
"""Messages that may be on their way at once if they take up none."""

LAG = 6
"""Pieces that may come later than this rank's own leave, and be put aside before."""

STAGING = 76 * 2**20
"""Bytes that all messages of a rank may take at once, where all members hold the same tensors."""

WHERE = "moving what is inherited"


@attrs.frozen
class Turns:
    """Which pieces a rank puts aside before they leave: those of one turn, of so many."""

    turn: int
    ranks: int

    def include(self, place: int) -> bool:
        """Whether this rank puts aside the piece of this number."""
        return place % self.ranks == self.turn


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


@attrs.define
class _Departure:
    """A piece that leaves, from where it is or from a copy that was put aside."""

    message: Tensor
    is_aside: bool
    work: dist.Work | None = None


class Outbox:
    """What a parent sends to the first one of its chain."""

    def __init__(
        self,
        post: Post,
        tensors: Sequence[Tensor],
        pieces: Sequence[Piece],
        parent: int,
        to: int,
        turns: Turns | None,
    ) -> None:
        """Send pieces of tensors to a rank.

        Args:
            post: How the others are reached.
            tensors: What is sent.
            pieces: How it is sent.
            parent: The number of this rank's member.
            to: The rank that it is sent to; any if there are no pieces.
            turns: When this rank puts a piece aside, so that another can come in its place; None
                if this rank is in no circle.
        """
        self._post, self._tensors, self._pieces = post, tensors, pieces
        self._parent, self._to, self._turns = parent, to, turns
        self._leaving: dict[int, _Departure] = {}
        self._gone: set[int] = set()
        self._prepared = self._begun = 0
        self._reading: dict[tuple[int, int], list[int]] = {}
        for place, piece in enumerate(pieces):
            for part in piece:
                key = tensors[part.leaf].data_ptr(), part.begin
                self._reading.setdefault(key, []).append(place)

    def __len__(self) -> int:
        """Return the number of pieces."""
        return len(self._pieces)

    def reading(self, tensor: Tensor, begin: int) -> list[int]:
        """Return the pieces that are read from where a range of a tensor is."""
        return self._reading.get((tensor.data_ptr(), begin), [])

    def is_gone(self, place: int) -> bool:
        """Whether what a piece is read from may be overwritten."""
        return place in self._gone

    def prepare(self, place: int) -> None:
        """Put aside what does not leave from where it is: of this piece and its followers."""
        for number in range(self._prepared, min(len(self._pieces), place + IN_PLACE_AHEAD)):
            piece, is_turn = self._pieces[number], self._is_turn(number)
            message = None if is_turn else in_place(piece, self._tensors)
            if message is not None:
                self._leaving[number] = _Departure(message, is_aside=False)
            elif number < place + (LAG if is_turn else AHEAD):
                self._leaving[number] = _Departure(self._copied(piece), is_aside=True)
                self._gone.add(number)
            else:
                return
            self._prepared += 1

    def begin(self) -> None:
        """Begin to send what is prepared."""
        for number in range(self._begun, self._prepared):
            departure = self._leaving[number]
            departure.work = self._post.send(departure.message, self._to, number, self._parent)
        self._begun = self._prepared

    def let_go(self, place: int) -> None:
        """Wait until a piece has left, if there is one and it was not put aside."""
        if place < len(self._pieces) and not self._leaving[place].is_aside:
            self._post.finish(self._leaving.pop(place).work)
            self._gone.add(place)

    def finish(self, place: int) -> None:
        """Wait until a piece has left, if there is one and it was put aside."""
        if place in self._leaving:
            departure = self._leaving.pop(place)
            self._post.finish(departure.work)
            self._post.buffers.give_back(departure.message)

    def _copied(self, piece: Piece) -> Tensor:
        message = self._post.buffers.take(length(piece))
        read(piece, self._tensors, message)
        return message

    def _is_turn(self, place: int) -> bool:
        return self._turns is not None and self._turns.include(place)
