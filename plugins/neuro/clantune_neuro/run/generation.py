"""A generation: how it is bred, and what it came to."""

from __future__ import annotations

import statistics

import attrs

from clantune_core import Evolution, Genome, Population, member_rng, shared_rng
from clantune_neuro.evaluation.record import Record


@attrs.frozen
class Generation:
    """What a generation came to.

    Attributes:
        number: Its number, from 0. Generation 0 is the birth of all members.
        best: The best base score, higher is better; None if all members are dead.
        median: The median of the base scores of living members; None if there are none.
        dead: Number of dead members.
        evaluations: Number of networks evaluated since the run began.
        frames: Number of game frames since the run began.
    """

    number: int
    best: float | None
    median: float | None
    dead: int
    evaluations: int
    frames: int

    @classmethod
    def of(cls, population: Population, number: int, evaluations: int, frames: int) -> Generation:
        """Return what a population came to."""
        bases = [Record.of(member).base for member in population]
        living = [base for base in bases if base is not None]
        return cls(
            number,
            max(living, default=None),
            statistics.median(living) if living else None,
            len(bases) - len(living),
            evaluations,
            frames,
        )


def bred(
    evolution: Evolution,
    population: Population,
    *,
    seed: int,
    generation: int,
    progress: float | None,
) -> list[Genome]:
    """Return the offspring of a population, in rank order. It is the same in every process.

    Args:
        evolution: The strategies.
        population: The evaluated members.
        seed: Seed of the run.
        generation: Number of the generation that is bred.
        progress: Fraction of the run that is done; None if its length is not known.
    """
    return [
        evolution.offspring(
            member,
            population,
            member_rng(seed, generation, rank),
            shared_rng=shared_rng(seed, generation),
            generation=generation,
            progress=progress,
        )
        for rank, member in enumerate(population)
    ]
