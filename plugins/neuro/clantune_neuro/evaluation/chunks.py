"""Chunks of a population. Their boundaries depend on the population and the run's chunk size alone.

A machine with less memory than the run was planned for halves the chunks that do not fit. Each
halving is reported, so that the run's history says where the boundaries differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

import attrs
import torch

from clantune_neuro.errors import EvaluationError
from clantune_neuro.memory import out_of_memory

M = TypeVar("M")
R = TypeVar("R")


@attrs.frozen
class Halving:
    """A chunk that did not fit into memory.

    Attributes:
        member: Number of the first member of the chunk, from 0.
        before: Number of members of the chunk.
        after: Number of members of each chunk from this member on.
    """

    member: int
    before: int
    after: int

    def __str__(self) -> str:
        return (
            f"{self.before} members from member {self.member} on did not fit into memory; "
            f"chunks have {self.after} from there on"
        )


def ignore(_halving: Halving) -> None:
    """Report no halving."""


def boundaries(count: int, size: int) -> list[range]:
    """Return the numbers of the members of each chunk.

    Args:
        count: Number of members.
        size: Members per chunk. The last chunk may have fewer.

    Raises:
        EvaluationError: The size is below 1.
    """
    _check_size(size)
    return [range(first, min(first + size, count)) for first in range(0, count, size)]


def in_chunks(
    members: Iterable[M],
    size: int,
    evaluate: Callable[[list[M]], list[R]],
    report: Callable[[Halving], None] = ignore,
) -> list[R]:
    """Evaluate members chunk by chunk, and halve chunks that do not fit into memory.

    Members are taken from the iterable one chunk at a time, so that it may make their weights.

    Args:
        members: The members, in the order of the population.
        size: Members per chunk.
        evaluate: Returns one result per member of a chunk.
        report: Is told of each halving, before the smaller chunk is tried.

    Returns:
        One result per member, in the order of the population.

    Raises:
        EvaluationError: The size is below 1, or a single member does not fit into memory.
    """
    _check_size(size)
    source = iter(members)
    waiting: list[M] = []
    results: list[R] = []
    while True:
        waiting += islice(source, max(0, size - len(waiting)))
        if not waiting:
            return results
        chunk = waiting[:size]
        found = _unless_out_of_memory(evaluate, chunk)
        if found is None:
            size = _half(len(results), len(chunk))
            report(Halving(len(results), len(chunk), size))
            continue
        results += found
        del waiting[: len(chunk)]


def _unless_out_of_memory(evaluate: Callable[[list[M]], list[R]], chunk: list[M]) -> list[R] | None:
    """Return the results of a chunk, or `None`, with the error and its tensors released."""
    try:
        return evaluate(chunk)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None


def _half(member: int, size: int) -> int:
    if size == 1:
        raise EvaluationError(
            f"member {member} does not fit into memory by itself; take a smaller network, fewer "
            "points per generation, or a machine with more memory"
        )
    return size // 2


def _check_size(size: int) -> None:
    if size < 1:
        raise EvaluationError(f"a chunk of {size} members is empty; take 1 or more")
