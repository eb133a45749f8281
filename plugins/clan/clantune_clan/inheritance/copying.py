"""Messages from parents to children, piece by piece, while nobody waits for more than a few.

Each parent's pieces go along a chain: to its first child, who hands them on to the next. So no rank
sends anything more than once, however many children a parent has.

A rank that is parent and child at once receives a piece when its own has left. In a circle all
would wait for each other: its ranks take turns in who puts its own aside, and does not wait.
"""

from __future__ import annotations

from clantune_clan.inheritance.inbox import Inbox
from clantune_clan.inheritance.outbox import Outbox


def exchange(outbox: Outbox, inbox: Inbox, lag: int) -> None:
    """Send and receive everything.

    Args:
        outbox: What this rank sends.
        inbox: What it receives.
        lag: How many pieces later what comes is waited for than what leaves, on all ranks.
    """
    for place in range(max(len(outbox), len(inbox)) + lag):
        outbox.prepare(place)
        inbox.begin(place)  # first: whoever sends waits for one who receives
        outbox.begin()
        outbox.let_go(place)
        inbox.begin(place)  # what had to wait for that
        inbox.advance(place - lag)
        inbox.settle()
        outbox.finish(place - lag)
    inbox.settle(keep=0)
