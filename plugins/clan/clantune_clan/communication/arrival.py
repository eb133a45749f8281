"""Meetings of all ranks on the store, which record where each rank is and exchange short texts.

If one rank does not join a collective, it fails on all ranks, and its error names no rank. The
store knows which ranks have arrived, and a meeting there takes half a millisecond. So the ranks
meet before each exchange. They exchange short texts in the meeting itself.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from datetime import timedelta

import torch.distributed as dist
from torch.distributed import Store  # type: ignore[attr-defined]  # not listed

from clantune_clan.errors import CommunicationError

NOT_ALL = "not all ranks have arrived"

GRACE = timedelta(seconds=3)
"""Time for which a rank that failed waits until the others report where they are."""


class Arrivals:
    """Meetings of all ranks, one after the other, on the store that the process group uses."""

    def __init__(self, store: Store, rank: int, world_size: int, timeout: timedelta) -> None:
        """Use a store. A meeting waits for the last rank until the timeout."""
        self._store = store
        self._rank = rank
        self._ranks = range(world_size)
        self._timeout = timeout
        self.meetings = 0
        self.absent: tuple[int, ...] = ()

    def meet(self, where: str, word: str = "") -> list[str]:
        """Wait until every rank has arrived here; return the word of each rank, in rank order.

        Raises:
            CommunicationError: A rank has not arrived in time, or the store's host has exited.
        """
        meeting, done = self.meetings, f"done/{self.meetings}"
        self.meetings += 1
        with self._reach_store():
            # The meeting after the next one overwrites this key. No rank reaches that meeting
            # before all ranks have been at the next one.
            self._store.set(self._place(meeting, self._rank), f"{meeting} {word}")
            self._store.set(f"last/{self._rank}", where)
            if self._store.add(f"arrived/{meeting}", 1) == len(self._ranks):
                self._store.set(done, self._collect(meeting))
            try:
                self._store.wait([done], self._timeout)
            except dist.DistNetworkError:
                raise
            except RuntimeError:  # a `DistStoreError`, unless the store is a file
                raise self._missing(meeting, where) from None
            collected = self._store.get(done).decode()
            if collected == NOT_ALL:
                raise self._missing(meeting, where)
            if self._rank == 0 and meeting:  # all ranks are here, so they have left the last one
                for key in ("arrived", "done"):
                    self._store.delete_key(f"{key}/{meeting - 1}")
        words: list[str] = json.loads(collected)
        return words

    def _collect(self, meeting: int) -> str:
        """Return the words of all ranks as JSON. The last rank to arrive calls this."""
        places = [self._place(meeting, rank) for rank in self._ranks]
        words = [word.decode().partition(" ") for word in self._store.multi_get(places)]
        # A rank whose wait has timed out may be at a later meeting by now.
        is_full = all(number == str(meeting) for number, _, _ in words)
        return json.dumps([word for _, _, word in words]) if is_full else NOT_ALL

    def announce(self, problem: str) -> None:
        """Publish an error of this rank. Ranks that wait for this rank fail at once and show it."""
        with self._reach_store():
            self._store.set(f"problem/{self._rank}", problem)
            self._store.set(f"done/{self.meetings}", NOT_ALL)

    def whereabouts(self, where: str) -> str:
        """Report where this rank failed; return a description of where all ranks are.

        Ranks that do not report within a few seconds count as absent.
        """
        with self._reach_store():
            self._store.set(f"failed/{self._rank}", where)
            until = time.monotonic() + GRACE.total_seconds()
            keys = {rank: f"failed/{rank}" for rank in self._ranks}
            while not self._store.check([*keys.values()]) and time.monotonic() < until:
                time.sleep(0.02)
            self.absent = tuple(rank for rank in keys if not self._store.check([keys[rank]]))
            return "; ".join(
                self._last_word(rank)
                if rank in self.absent
                else f"rank {rank} is at {self._store.get(key).decode()}"
                for rank, key in keys.items()
            )

    def close(self) -> None:
        """Leave. The last rank to leave deletes the keys of all, which no rank needs any more."""
        with contextlib.suppress(dist.DistNetworkError):  # the store has ended, with all its keys
            if self._store.add("left", 1) < len(self._ranks):
                return
            meetings = range(self.meetings - 2, self.meetings + 1)
            keys = [f"{key}/{meeting}" for key in ("arrived", "done") for meeting in meetings]
            for rank in self._ranks:
                keys += [self._place(meeting, rank) for meeting in range(2)]
                keys += [f"{key}/{rank}" for key in ("last", "problem", "failed")]
            for key in [*keys, "left"]:
                self._store.delete_key(key)

    @staticmethod
    def _place(meeting: int, rank: int) -> str:
        return f"word/{meeting % 2}/{rank}"

    def _is_at(self, meeting: int, rank: int) -> bool:
        place = self._place(meeting, rank)
        if not self._store.check([place]):
            return False
        return self._store.get(place).decode().partition(" ")[0] == str(meeting)

    def _missing(self, meeting: int, where: str) -> CommunicationError:
        missing = [rank for rank in self._ranks if not self._is_at(meeting, rank)]
        self.absent = tuple(missing)
        return CommunicationError(
            f"rank {self._rank} timed out waiting at {where}; "
            f"{'; '.join(map(self._last_word, missing))}; see the log of what is missing, or "
            f"give slow members more than {self._timeout.total_seconds():g} s: timeout=...",
            missing=tuple(missing),
        )

    def _last_word(self, rank: int) -> str:
        if self._store.check([f"problem/{rank}"]):
            return f"rank {rank} has failed: {self._store.get(f'problem/{rank}').decode()}"
        key = f"last/{rank}"
        last = self._store.get(key).decode() if self._store.check([key]) else "its start"
        return f"rank {rank} is missing, last seen at {last}"

    @contextlib.contextmanager
    def _reach_store(self) -> Iterator[None]:
        try:
            yield
        except dist.DistNetworkError as error:
            raise CommunicationError(
                "the process that hosts the store, which is rank 0 unless the launcher hosts it, "
                f"is gone; see its log ({str(error).splitlines()[0]})",
                missing=(0,),
            ) from error
