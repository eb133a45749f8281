"""Chunks on the ranks of a process group: every rank breeds alike and scores its share."""

from __future__ import annotations

import hashlib
import os
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import torch.distributed as dist

from clantune_core import ClanTuneError
from clantune_neuro.errors import NeuroError
from clantune_neuro.evaluation.outcomes import Chunk, Outcomes
from clantune_neuro.evaluation.workplace import FailedError, Workplace
from clantune_neuro.executors.exchange import Exchange, LostError
from clantune_neuro.executors.share import Share

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What `clantune launch` and torchrun set for each rank."""


RESUME = "go on with `clantune neuro resume DIR`, on any number of workers"
BEGIN = "begin again, or resume the run if its directory contains one"

T = TypeVar("T")


class Ranks:
    """Scores chunks on all ranks of a process group.

    All ranks run the same script with the same arguments. Of n ranks, rank r scores the chunks
    r, r + n, r + 2n and so on; then every rank sends its scores to all others. Rank 0 writes.
    """

    def __init__(self, group: dist.ProcessGroup | None = None, *, timeout: float = 1800.0) -> None:
        """Join the other ranks.

        Args:
            group: The process group. None: all ranks, which meet as `clantune launch -n 4
                script.py` or torchrun told them, if the script has not joined them itself.
            timeout: Seconds of wall-clock time that a rank waits for all others in a generation.
                It must exceed the longest time that one rank needs for its share.

        Raises:
            NeuroError: The ranks do not meet, or the time is not positive.
        """
        if not timeout > 0:
            raise NeuroError(f"timeout is {timeout} seconds; it must be above 0")
        if not dist.is_available():
            raise NeuroError("this build of torch has no torch.distributed; pass Futures.pool(4)")
        self._joined = group is None and not dist.is_initialized()
        self._made: dist.ProcessGroup | None = None
        limit = timedelta(seconds=timeout)
        if self._joined:
            _join(limit)
        chosen = group or dist.group.WORLD
        if chosen is None:
            raise NeuroError("torch.distributed has no process group; pass one")
        if dist.get_backend(chosen) != "gloo":  # such as nccl, which sends nothing from the CPU
            members = dist.get_process_group_ranks(chosen)
            chosen = self._made = dist.new_group(members, backend="gloo", timeout=limit)
        self._exchange = Exchange(chosen, timeout)
        self._rank, self._world = dist.get_rank(chosen), dist.get_world_size(chosen)

    @property
    def writes(self) -> bool:
        """Whether this is rank 0, which writes the run's directory."""
        return self._rank == 0

    def map(self, workplace: Workplace, chunks: Sequence[Chunk]) -> list[Outcomes]:
        """Return what becomes of each chunk, in order, on every rank. All ranks call it.

        Args:
            workplace: What scores them.
            chunks: The chunks, equal on all ranks.

        Raises:
            FailedError: The task raised an error, on any rank. A note holds its traceback.
            NeuroError: A rank is lost, or has bred other lineages.
        """
        own = self._scored(workplace, chunks)
        data = own.to_bytes()
        try:
            headers = self._exchange.headers(len(data), _digest(chunks))
            self._require_equal([digest for _, digest in headers])
            found = self._exchange.data(data, [size for size, _ in headers])
        except LostError as lost:
            where = f" in generation {chunks[0].context.generation}" if chunks else ""
            raise self._lost(lost, where, RESUME) from None
        shares = [Share.from_bytes(each) for each in found]
        _raise_first(shares, chunks)
        outcomes = {number: each for share in shares for number, each in share.outcomes.items()}
        return [outcomes[number] for number in range(len(chunks))]

    def on_writer(self, act: Callable[[], T]) -> T | None:
        """Carry something out on rank 0, and return what it returns there. All ranks call it.

        Args:
            act: What to do, such as to make the directory of the run.

        Raises:
            NeuroError: It failed. Rank 0 raises the error itself, and the others raise its text.
        """
        made: T | None = None
        error: Exception | None = None
        if self.writes:
            try:
                made = act()
            except Exception as raised:  # noqa: BLE001  (every rank raises it)
                error = raised
        said = b"\0" if error is None else b"\1" + _text(error).encode()
        try:
            sizes = [size for size, _ in self._exchange.headers(len(said), bytes(32))]
            first = self._exchange.data(said, sizes)[0]
        except LostError as lost:
            raise error or self._lost(lost, " while the run began", BEGIN) from None
        if error is not None:
            raise error
        if first[0]:
            raise NeuroError(first[1:].decode())
        return made

    def close(self) -> None:
        """Leave the process group, if this object joined or made it."""
        if self._joined and dist.is_initialized():
            dist.destroy_process_group()
        elif self._made is not None:
            dist.destroy_process_group(self._made)
        self._joined, self._made = False, None

    def _scored(self, workplace: Workplace, chunks: Sequence[Chunk]) -> Share:
        """Score the share of this rank. Other ranks wait, so errors are sent to them."""
        done: dict[int, Outcomes] = {}
        for number in range(self._rank, len(chunks), self._world):
            try:
                done[number] = workplace.evaluate(chunks[number])
            except FailedError as error:
                return Share(done, number, error.failure)
            except Exception as error:  # noqa: BLE001  (every rank raises it)
                text = "".join(traceback.format_exception(error)).rstrip()
                return Share(done, number, error=f"{type(error).__name__}: {error}\n{text}")
        return Share(done)

    def _require_equal(self, digests: list[bytes]) -> None:
        """Raise an error that names the ranks whose lineages differ from those of most ranks."""
        most = Counter(digests).most_common(1)[0][0]
        others = [rank for rank, digest in enumerate(digests) if digest != most]
        if others:
            alike = digests.index(most)
            raise NeuroError(
                f"{_named(others)} bred other lineages than rank {alike}; give all ranks the same "
                "arguments, seed and version of every package, and resume the same run directory"
            )

    def _lost(self, lost: LostError, where: str, advice: str) -> NeuroError:
        why = (
            f"no message came within {self._exchange.timeout:g} seconds"
            if lost.is_late
            else "the connection is closed"
        )
        return NeuroError(
            f"rank {self._rank} has lost {_named(lost.ranks)}{where}: {why}; see what ended it, "
            f"then {advice}"
        )


def _join(timeout: timedelta) -> None:
    missing = [name for name in VARIABLES if name not in os.environ]
    if missing:
        raise NeuroError(
            f"the environment has no {', '.join(missing)}, so this is not one of several ranks; "
            "start the script with `clantune launch -n 4 script.py` or torchrun, or call "
            "torch.distributed.init_process_group before"
        )
    try:
        dist.init_process_group("gloo", timeout=timeout)
    except (RuntimeError, ValueError) as error:
        place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise NeuroError(
            f"rank {os.environ['RANK']} of {os.environ['WORLD_SIZE']} does not meet the others "
            f"at {place}: {error}"
        ) from error


def _digest(chunks: Sequence[Chunk]) -> bytes:
    """Return the SHA-256 of the lineages and their contexts."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(f"{chunk.context}\n".encode())
        digest.update("\n".join([*chunk.lineages, ""]).encode())
    return digest.digest()


def _raise_first(shares: Sequence[Share], chunks: Sequence[Chunk]) -> None:
    """Raise the error of the first chunk that failed, if any."""
    failed = [(share.failed, rank) for rank, share in enumerate(shares) if share.failed is not None]
    if not failed:
        return
    number, rank = min(failed)
    failure, (said, _, traced) = shares[rank].failure, shares[rank].error.partition("\n")
    generation = chunks[number].context.generation
    error = NeuroError(
        f"rank {rank} cannot score chunk {number + 1} of {len(chunks)} in generation "
        f"{generation}: {said}"
    )
    if failure is not None:
        error, traced = FailedError(failure), failure.traceback.rstrip()
    error.add_note(f"On rank {rank}:\n{traced}")
    raise error


def _text(error: Exception) -> str:
    if isinstance(error, ClanTuneError):
        return str(error)
    return f"{type(error).__name__} on rank 0: {error}"


def _named(ranks: Sequence[int]) -> str:
    names = ", ".join(map(str, ranks))
    return f"rank {names}" if len(ranks) == 1 else f"the ranks {names}"
