"""The chunks of one generation on their way to workers and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait

import attrs

from clantune_neuro.errors import NeuroError
from clantune_neuro.evaluation.outcomes import Chunk, Failure, Outcomes
from clantune_neuro.evaluation.workplace import FailedError
from clantune_neuro.executors.parcel import Parcel
from clantune_neuro.executors.worker import Answer, Unusable, Wanted

RETRIES = 2
"""How often a chunk is sent again after it was lost."""

PATIENCE = 2
"""How often a chunk may wait until its worker has the workplace. Then it brings it."""

Submit = Callable[[str, Chunk, dict[str, bytes]], "Future[Answer]"]
"""Sends a chunk to a worker: the key of the workplace, the chunk and supplies."""


@attrs.define(eq=False)
class _Piece:
    """A chunk on its way.

    Attributes:
        number: Its number, from 0.
        chunk: The chunk.
        supplies: What it brings to its worker.
        serves: The worker that wanted them; empty for none.
        waits: How often it was not scored because its worker lacked something.
        losses: How often it was lost.
    """

    number: int
    chunk: Chunk
    supplies: dict[str, bytes] = attrs.field(factory=dict)
    serves: str = ""
    waits: int = 0
    losses: int = 0


class Delivery:
    """Sends each chunk until it is scored. The first error in the order of the chunks counts."""

    def __init__(self, parcel: Parcel, chunks: Sequence[Chunk], submit: Submit) -> None:
        self._parcel = parcel
        self._submit = submit
        self._pieces = [_Piece(number, chunk) for number, chunk in enumerate(chunks)]
        self._underway: dict[Future[Answer], _Piece] = {}
        self._held: list[_Piece] = []
        self._found: dict[int, Outcomes] = {}
        self._failed: tuple[int, Exception] | None = None

    def outcomes(self) -> list[Outcomes]:
        """Return what becomes of each chunk, in order.

        Raises:
            FailedError: The task raised an error.
            NeuroError: A chunk was lost too often, or workers cannot use the workplace.
        """
        try:
            for piece in self._pieces:
                self._send(piece)
            while self._underway:
                done, _ = wait(self._underway, return_when=FIRST_COMPLETED)
                for future in done:
                    if future in self._underway:
                        self._settle(self._underway.pop(future), future)
        finally:
            for future in self._underway:
                future.cancel()
        if self._failed is not None:
            raise self._failed[1]
        return [self._found[piece.number] for piece in self._pieces]

    def _send(self, piece: _Piece) -> None:
        if self._failed is None or piece.number < self._failed[0]:
            future = self._submit(self._parcel.key, piece.chunk, piece.supplies)
            self._underway[future] = piece

    def _settle(self, piece: _Piece, future: Future[Answer]) -> None:
        served, piece.serves = piece.serves, ""
        answer = _answer(future)
        if isinstance(answer, Outcomes):
            self._found[piece.number] = answer
        elif isinstance(answer, Wanted):
            self._supply(piece, answer)
        elif isinstance(answer, Failure):
            self._fail(piece, _from_worker(FailedError(answer), answer.traceback))
        elif isinstance(answer, Unusable):
            self._fail(piece, _from_worker(self._unusable(piece, answer), answer.traceback))
        else:
            self._lose(piece, answer)
        if served:
            self._release()

    def _supply(self, piece: _Piece, wanted: Wanted) -> None:
        """Send what a worker wants once, and hold other chunks that it got meanwhile."""
        piece.waits += 1
        is_served = any(each.serves == wanted.worker for each in self._underway.values())
        if is_served and piece.waits <= PATIENCE:
            self._held.append(piece)
            return
        piece.supplies |= {name: self._parcel.data(name) for name in wanted.names}
        piece.serves = wanted.worker
        self._send(piece)

    def _release(self) -> None:
        held, self._held = self._held, []
        for piece in held:
            self._send(piece)

    def _lose(self, piece: _Piece, error: BaseException) -> None:
        piece.losses += 1
        if piece.losses <= RETRIES:
            self._send(piece)
            return
        lost = NeuroError(
            f"{self._name(piece)} was lost with its worker {piece.losses} times, at last by "
            f"{type(error).__name__}: {error}; see what ends the workers, such as too little "
            'memory, or a script without `if __name__ == "__main__":`, then go on with `clantune '
            "neuro resume DIR`"
        )
        lost.__cause__ = error
        self._fail(piece, lost)

    def _fail(self, piece: _Piece, error: Exception) -> None:
        """Keep the error if it is the first, and leave all chunks after it."""
        self._failed = (piece.number, error)
        for future, other in list(self._underway.items()):
            if other.number > piece.number:
                future.cancel()
                del self._underway[future]
        self._release()

    def _unusable(self, piece: _Piece, answer: Unusable) -> NeuroError:
        text = f"a worker cannot score {self._name(piece)}: {answer.error}"
        if answer.is_known:
            return NeuroError(text)
        task = type(self._parcel.workplace.task)
        return NeuroError(
            f"{text}; it needs the packages of this process, and must be able to import "
            f"{task.__module__}.{task.__qualname__}"
        )

    def _name(self, piece: _Piece) -> str:
        generation = piece.chunk.context.generation
        return f"chunk {piece.number + 1} of {len(self._pieces)} in generation {generation}"


def _answer(future: Future[Answer]) -> Answer | BaseException:
    """Return the answer of a worker, or the error by which it was lost."""
    if future.cancelled():
        return CancelledError("its executor cancelled it")
    return future.exception() or future.result()


def _from_worker(error: NeuroError, traceback: str) -> NeuroError:
    error.add_note(f"On a worker:\n{traceback.rstrip()}")
    return error
