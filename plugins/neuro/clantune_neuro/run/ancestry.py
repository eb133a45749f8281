"""Reading a history back: lineages of all generations, and the ancestors of a member."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

import attrs

from clantune_neuro.errors import DirectoryError
from clantune_neuro.run.history import Line, Past
from clantune_neuro.run.history_file import read_history
from clantune_neuro.run.members import order


@attrs.frozen
class Ancestor:
    """A member of a generation on the way to another member.

    Attributes:
        generation: Number of the generation.
        rank: Its rank.
        lineage: Its lineage, as it was in that generation.
        past: What the history says of it.
    """

    generation: int
    rank: int
    lineage: str
    past: Past


def ancestors(folder: str | os.PathLike[str], rank: int | None = None) -> list[Ancestor]:
    """Return the dominant ancestors of a member of the last generation, oldest first.

    The member itself is the last one. A run that is going on can be read too.

    Args:
        folder: The directory of the run.
        rank: Rank of the member; None: the best one.

    Raises:
        DirectoryError: The history is missing, empty or damaged.
    """
    lines = [*read_history(folder)]
    if not lines:
        raise DirectoryError(f"{folder} has no generation yet", folder=str(folder))
    last = lines[-1].members
    if rank is None:
        rank = max(range(len(last)), key=lambda each: order(last[each].record))
    found: list[Ancestor] = []
    for line, place in zip(lines, _ranks(lines, rank), strict=True):
        past = line.members[place]
        before = found[-1].lineage if found else ""
        parent = line.parents([before])[0] if past.parents else ""
        found.append(Ancestor(line.generation, place, past.lineage(parent), past))
    return found


def generations(lines: Iterable[Line]) -> Iterator[tuple[Line, list[str], list[str]]]:
    """Yield each generation with the lineages of its members, and with those that they had before.

    Lineages that they had before are those of the population that they were bred from, compacted if
    the line says so. Only two generations are in memory.

    Args:
        lines: The lines of a history, from the first one.
    """
    lineages: list[str] = []
    for line in lines:
        before = line.parents(lineages)
        lineages = [
            past.lineage("" if past.dominant is None else before[past.dominant])
            for past in line.members
        ]
        yield line, lineages, before


def _ranks(lines: Sequence[Line], rank: int) -> list[int]:
    """Return the rank of the dominant ancestor in each generation, oldest first."""
    ranks = [rank]
    for line in reversed(lines[1:]):
        dominant = line.members[ranks[-1]].dominant
        ranks.append(ranks[-1] if dominant is None else dominant)
    return ranks[::-1]
