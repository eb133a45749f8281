"""What an executor does: it scores chunks, somewhere, and returns the results in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from clantune_neuro.evaluation.outcomes import Chunk, Outcomes
from clantune_neuro.evaluation.workplace import Workplace

T = TypeVar("T")


@runtime_checkable
class Executor(Protocol):
    """Scores chunks. The boundaries of chunks depend on the population alone."""

    @property
    def writes(self) -> bool:
        """Whether this process writes the run's directory. Of several ranks, one does."""
        ...

    def map(self, workplace: Workplace, chunks: Sequence[Chunk]) -> list[Outcomes]:
        """Return what becomes of each chunk, in order.

        Args:
            workplace: What scores them, also on other machines.
            chunks: The chunks.

        Raises:
            FailedError: The task raised an error.
            NeuroError: A worker was lost too often.
        """
        ...

    def close(self) -> None:
        """Release what this executor started. It does not close what it was given."""
        ...


@runtime_checkable
class Agrees(Protocol):
    """An executor of several processes that run alike, of which one writes."""

    def on_writer(self, act: Callable[[], T]) -> T | None:
        """Carry something out in the process that writes. All processes raise its error."""
        ...


def on_writer(executor: Executor, act: Callable[[], T]) -> T | None:
    """Carry something out in the process that writes; return None in the others.

    Args:
        executor: Where networks are evaluated.
        act: What to do, such as to make the directory of the run.
    """
    if isinstance(executor, Agrees):
        return executor.on_writer(act)
    return act() if executor.writes else None


class Serial:
    """Scores chunks in this process, one after the other."""

    writes = True

    def map(self, workplace: Workplace, chunks: Sequence[Chunk]) -> list[Outcomes]:
        """Return what becomes of each chunk, in order."""
        return [workplace.evaluate(chunk) for chunk in chunks]

    def close(self) -> None:
        """Do nothing."""
