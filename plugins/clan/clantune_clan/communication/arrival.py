"""Meetings of all ranks on the store, which record where each rank is and exchange short texts.

If one rank does not join a collective, it fails on all ranks, and its error names no rank. The
store knows which ranks have arrived, and a meeting there takes half a millisecond. So the ranks
meet before each exchange. They exchange short texts in the meeting itself.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import attrs
from torch.distributed import Store  # type: ignore[attr-defined]  # not listed

from clantune_clan.communication.failure import Failure
from clantune_clan.communication.host import Host
from clantune_clan.errors import CommunicationError
from clantune_core import ClanTuneError

T = TypeVar("T")

NOT_ALL = "not all ranks have arrived"
"""What ranks read instead of the words of all, if a rank fails or stops waiting."""

STOPPING = 5.0
"""Seconds for which a rank that has received a signal waits for others. It may be killed soon."""


def longest_pause(ranks: int) -> float:
    """Return the seconds between two looks of a waiting rank, at most: one host answers all."""
    return max(0.02, 0.02 * ranks / 400)


class Arrivals:
    """Meetings of all ranks, one after the other, on the store that the process group uses."""

    def __init__(self, store: Store, rank: int, world_size: int, timeout: timedelta) -> None:
        """Use a store. A meeting waits for the last rank until the timeout."""
        self._store = store
        self._rank = rank
        self._ranks = range(world_size)
        self._timeout = timeout
        self.host = Host(timeout)
        self._has_failed = False  # whether this rank has reported where it failed
        self.is_stopping: Callable[[], bool] = lambda: False
        self.meetings = 0
        self.absent: tuple[int, ...] = ()

    def meet(self, where: str, word: str = "") -> list[str]:
        """Wait until every rank has arrived here; return the word of each rank, in rank order.

        Raises:
            CommunicationError: A rank has not arrived in time, or this rank is too late, or the
                store's host does not answer.
            ClanTuneError: Another rank has announced that it failed.
        """
        meeting = self.meetings
        self.meetings += 1
        return self.host.call(lambda: self._meet(meeting, where, word))

    def announce(self, failure: Failure) -> None:
        """Publish why this rank fails. Ranks that wait for this rank fail at once and show it.

        Only the first failure of all ranks counts, since it may be the reason of the others.
        """

        def publish() -> None:
            if self._store.add("failures", 1) == 1:
                text = json.dumps({"rank": self._rank, **attrs.asdict(failure)})
                self._store.set("failure", text)
            self._break()

        self.host.call(publish)

    def ask_to_stop(self, signal: int) -> None:
        """Publish that this rank has received a signal, so that all ranks stop."""
        self.host.call(lambda: self._store.set("stop", str(signal)))

    def asked_to_stop(self) -> int:
        """Return the number of the signal that a rank has received, or 0."""
        return self.host.call(lambda: int(self._store.get("stop")) if self._has("stop") else 0)

    @property
    def is_broken(self) -> bool:
        """Whether a rank has failed, or a collective has failed on it."""
        return self.host.call(lambda: self._has("broken"))

    def failure(self, where: str) -> ClanTuneError | None:
        """Return the error to raise here if another rank has announced that it failed."""
        return self.host.call(lambda: self._failure(where))

    def whereabouts(self, where: str) -> str:
        """Report where a collective failed on this rank; return a description of where all are.

        Ranks that do not report within a few seconds count as absent.
        """

        def describe() -> str:
            self._report(where)
            self._break()
            until = time.monotonic() + self.host.grace
            keys = {rank: f"failed/{rank}" for rank in self._ranks}
            while not (self._store.check([*keys.values()]) or self._has("failure")):
                if time.monotonic() > until:
                    break
                time.sleep(0.02)
            self.absent = tuple(rank for rank in keys if not self._has(keys[rank]))
            return "; ".join(
                self._last_word(rank) if rank in self.absent else self._place_of(rank)
                for rank in self._ranks
            )

        return self.host.call(describe)

    def begin(self, what: str, function: Callable[[], T]) -> T:
        """Return the value of a function that starts process groups, which all ranks call.

        Raises:
            CommunicationError: It fails, or the store's host does not answer.
        """
        try:
            return self.host.call(function)
        except RuntimeError as error:
            raise self.broken(what, what, error) from error

    def broken(self, what: str, where: str, error: Exception, advice: str = "") -> ClanTuneError:
        """Return the error of this rank after a collective has failed, which names other ranks.

        Args:
            what: Name of the collective.
            where: Description of the place.
            error: Exception of torch, which names no rank.
            advice: Further part of the message.
        """
        places = self.whereabouts(where)
        return self.failure(where) or CommunicationError(
            f"{what} failed: {places}{advice} ({str(error).splitlines()[0]})",
            missing=self.absent,
        )

    def close(self) -> None:
        """Leave. The last rank to leave deletes the keys of all, which no rank needs any more."""

        def leave() -> None:
            if self._store.add("left", 1) < len(self._ranks):
                return
            meetings = range(self.meetings - 2, self.meetings + 1)
            keys = [f"{key}/{meeting}" for key in ("arrived", "done") for meeting in meetings]
            for rank in self._ranks:
                keys += [self._place(meeting, rank) for meeting in range(2)]
                keys += [f"{key}/{rank}" for key in ("last", "failed")]
            for key in [*keys, "failures", "failure", "broken", "stop", "left"]:
                self._store.delete_key(key)

        with contextlib.suppress(CommunicationError):  # the store has ended, with all its keys
            self.host.call(leave)

    def _report(self, where: str) -> None:
        """Publish that this rank has failed to go on, so that others do not call it missing."""
        self._store.set(f"failed/{self._rank}", where)
        self._has_failed = True

    def _break(self) -> None:
        """End the waiting of other ranks: in a collective, and at the next meeting of this rank."""
        self._store.set("broken", "")
        self._store.set(f"done/{self.meetings}", NOT_ALL)

    def _meet(self, meeting: int, where: str, word: str) -> list[str]:
        done = f"done/{meeting}"
        if self._has_failed:  # and the caller has gone on after that
            self._has_failed = not self._store.delete_key(f"failed/{self._rank}")
        # The meeting after the next one overwrites this key. No rank reaches that meeting before
        # all ranks have been at the next one.
        self._store.set(self._place(meeting, self._rank), f"{meeting} {word}")
        self._store.set(f"last/{self._rank}", where)
        is_last = self._store.add(f"arrived/{meeting}", 1) == len(self._ranks)
        is_late = self._has(done)  # another rank has stopped waiting, or has failed
        if is_last and not is_late:
            self._store.set(done, self._collect(meeting))
        if not self._wait(done):
            self._store.set(done, f"{self._rank} {time.time()}")
            raise self._missing(meeting, where)
        collected = self._store.get(done).decode()
        if not collected.startswith("["):
            raise (
                self._failure(where)
                or (self._late(collected, where) if is_late else None)
                or self._missing(meeting, where)
            )
        if self._rank == 0 and meeting:  # all ranks are here, so they have left the last one
            for key in ("arrived", "done"):
                self._store.delete_key(f"{key}/{meeting - 1}")
        words: list[str] = json.loads(collected)
        return words

    def _wait(self, key: str) -> bool:
        """Wait until a key is in the store; return whether it is there in time.

        `Store.wait` would keep the connection busy, so that this rank could not announce anything.
        """
        until, pause = time.monotonic() + self._timeout.total_seconds(), 2e-4
        longest = longest_pause(len(self._ranks))
        while not self._has(key):
            if self.is_stopping():
                until = min(until, time.monotonic() + STOPPING)
            if time.monotonic() > until:
                return False
            time.sleep(pause)
            pause = min(2 * pause, longest)
        return True

    def _collect(self, meeting: int) -> str:
        """Return the words of all ranks as JSON. The last rank to arrive calls this."""
        places = [self._place(meeting, rank) for rank in self._ranks]
        words = [word.decode().partition(" ") for word in self._store.multi_get(places)]
        # A rank whose wait has timed out may be at a later meeting by now.
        is_full = all(number == str(meeting) for number, _, _ in words)
        return json.dumps([word for _, _, word in words]) if is_full else NOT_ALL

    @staticmethod
    def _place(meeting: int, rank: int) -> str:
        return f"word/{meeting % 2}/{rank}"

    def _has(self, key: str) -> bool:
        return bool(self._store.check([key]))

    def _is_at(self, meeting: int, rank: int) -> bool:
        place = self._place(meeting, rank)
        if not self._has(place):
            return False
        return bool(self._store.get(place).decode().partition(" ")[0] == str(meeting))

    def _failure(self, where: str) -> ClanTuneError | None:
        if not self._has("failure"):
            return None
        described = json.loads(self._store.get("failure"))
        rank = described.pop("rank")
        if rank == self._rank:
            return None
        self.absent = (rank,)
        error = Failure(**described).error(rank)
        error.add_note(f"rank {self._rank} waited for it at {where}")
        return error

    def _late(self, collected: str, where: str) -> CommunicationError | None:
        """Return an error if another rank has stopped waiting for this one."""
        other, _, stopped = collected.partition(" ")
        if not other.isdigit():
            return None
        return CommunicationError(
            f"rank {self._rank} came to {where} {max(0.0, time.time() - float(stopped)):.1f} s "
            f"after rank {other} had stopped waiting for it: give slow members more than "
            f"{self._timeout.total_seconds():g} s: timeout=...",
            missing=(self._rank,),
        )

    def _missing(self, meeting: int, where: str) -> CommunicationError:
        """Return an error that names the ranks that are missing or late."""
        self._report(where)
        began = time.monotonic()
        absent = [rank for rank in self._ranks if not self._is_at(meeting, rank)]
        words: dict[int, str] = {}
        while len(words) < len(absent) and time.monotonic() < began + self.host.grace:
            time.sleep(0.02)
            for rank in absent:
                if self._is_at(meeting, rank):
                    late = time.monotonic() - began
                    words.setdefault(rank, f"rank {rank} came {late:.1f} s later")
                elif self._has(f"failed/{rank}"):
                    words.setdefault(rank, self._place_of(rank))
        self.absent = tuple(rank for rank in absent if rank not in words)
        described = [words.get(rank) or self._last_word(rank) for rank in absent]
        return CommunicationError(
            f"rank {self._rank} has waited in vain at {where}; {'; '.join(described)}; see the log "
            "of what is missing, or give slow members more than "
            f"{self._timeout.total_seconds():g} s: timeout=...",
            missing=self.absent,
        )

    def _place_of(self, rank: int) -> str:
        return f"rank {rank} is at {self._store.get(f'failed/{rank}').decode()}"

    def _last_word(self, rank: int) -> str:
        key = f"last/{rank}"
        last = self._store.get(key).decode() if self._has(key) else "its start"
        return f"rank {rank} is missing, last seen at {last}"
