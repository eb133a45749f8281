"""The way that tensors take under a plan, as one rank sees it."""

from __future__ import annotations

from clantune_clan.communication import Communication
from clantune_clan.inheritance.copying import exchange
from clantune_clan.inheritance.heritage import Heritage
from clantune_clan.inheritance.inbox import Inbox, Source
from clantune_clan.inheritance.outbox import AHEAD, LAG, STAGING, Outbox, Post, Turns
from clantune_clan.inheritance.pieces import ALIGNMENT, PIECE, pieces_of
from clantune_clan.inheritance.plan import Plan
from clantune_clan.inheritance.sharing import Share, share_mean


class Route:
    """Where one rank sends what it holds, and where it receives from.

    The ranks of a member have places, and each deals with those of its place in other members.

    Attributes:
        receives: Whether this rank's member gets anything from others.
        first: The rank whose form, and whose whole numbers, this rank gets.
    """

    def __init__(self, plan: Plan, communicator: Communication) -> None:
        """Find the way for this rank."""
        self._plan, self._communicator = plan, communicator
        self._me = communicator.member_index
        self._place = communicator.rank % communicator.ranks_per_member
        self._givers = plan.givers(self._me)
        self._heirs = plan.heirs(self._me)
        self.receives = [*self._givers] != [self._me]
        self.first = self._rank(plan.first(self._me))

    @property
    def takes_part(self) -> bool:
        """Whether this rank gives or receives anything."""
        return self.receives or bool(self._heirs)

    @property
    def is_copied_first(self) -> bool:
        """Whether others become what this rank held before it received anything."""
        copied = any(len(self._plan.givers(heir)) == 1 for heir in self._heirs)
        return self.receives and copied

    def travel(self, own: Heritage, fitted: Heritage) -> int:
        """Fill what was fitted for this rank; return how many bytes it has received."""
        if self._plan.is_shared:
            return self._share(own, fitted)
        if not self.takes_part:
            return 0
        post = Post(self._communicator.transfer, self._communicator.num_members)
        outbox = self._outbox(post, own)
        inbox = self._inbox(post, own, fitted, outbox)
        exchange(outbox, inbox, self._lag())
        return inbox.received

    def _share(self, own: Heritage, fitted: Heritage) -> int:
        greatest = max(self._givers.values())
        share = Share(
            weight=self._givers.get(self._me, 0.0) / greatest,
            total=sum(weight / greatest for weight in self._givers.values()),
            source=self.first,
        )
        return share_mean(self._communicator.transfer, own.tensors, fitted.tensors, share)

    def _outbox(self, post: Post, own: Heritage) -> Outbox:
        to = self._rank(self._heirs[0] if self._heirs else self._me)
        pieces = pieces_of(own.tensors, self._limit()) if self._heirs else []
        circle = self._plan.circle(self._me)
        waiting = circle and all(len(self._plan.givers(member)) == 1 for member in circle)
        turns = Turns(circle.index(self._me), len(circle)) if waiting else None
        return Outbox(post, own.tensors, pieces, self._me, to, turns)

    def _inbox(self, post: Post, own: Heritage, fitted: Heritage, outbox: Outbox) -> Inbox:
        greatest = max(self._givers.values())
        return Inbox(
            post,
            fitted.tensors,
            pieces_of(fitted.tensors, self._limit()) if self.receives else [],
            [self._source(parent, w / greatest) for parent, w in self._givers.items()],
            own.tensors,
            [*self._givers].index(self._plan.first(self._me)),
            outbox,
        )

    def _source(self, parent: int, weight: float) -> Source:
        if parent == self._me:
            return Source(parent, weight, None, None)
        chain = [parent, *self._plan.heirs(parent)]
        place = chain.index(self._me)
        after = self._rank(chain[place + 1]) if place + 1 < len(chain) else None
        return Source(parent, weight, self._rank(chain[place - 1]), after)

    def _limit(self) -> int:
        """Return the bytes of a piece, the same on all ranks: all that are held at once are few."""
        held = AHEAD * (1 + 2 * self._most_givers) + 2 * self._lag() + 1
        return min(PIECE, STAGING // held) // ALIGNMENT * ALIGNMENT

    def _lag(self) -> int:
        """Return how much later what comes is waited for than what leaves, the same on all ranks.

        It helps where somebody gives and receives. What means are made of would take much memory.
        """
        plan = self._plan
        exchanged = any(plan.heirs(m) and m not in plan.givers(m) for m in range(len(plan.parents)))
        return LAG if exchanged and self._most_givers == 1 else 0

    @property
    def _most_givers(self) -> int:
        return max(len(self._plan.givers(child)) for child in range(len(self._plan.parents)))

    def _rank(self, member: int) -> int:
        return member * self._communicator.ranks_per_member + self._place
