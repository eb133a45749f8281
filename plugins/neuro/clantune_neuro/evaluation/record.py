"""What a genome remembers of its evaluation: bookkeeping that is never bred."""

from __future__ import annotations

from typing import Any, Self

import attrs

from clantune_core import Genome
from clantune_neuro.errors import EvaluationError
from clantune_neuro.tasks.score import Score
from clantune_neuro.tasks.trace import RowTrace

KEY = "neuro"
"""The entry of a genome's metadata that holds the record."""


@attrs.frozen
class Record:
    """The score of a genome, and when its weights came into being.

    An offspring begins with the record of the member whose place it takes. A run replaces it when
    the offspring is evaluated, so strategies read the records of the population, not of offspring.

    Attributes:
        base: What selection looks at first, higher is better; None for a dead member.
        intrinsic: What decides between members of equal base, higher is better.
        born: Generation in which a lineage first had these genes.
        trace: Which rows of a bank gave the answers; None where the network has no bank.
    """

    base: float | None
    intrinsic: float = 0.0
    born: int = 0
    trace: RowTrace | None = None

    @classmethod
    def of_score(cls, score: Score, born: int) -> Self:
        """Return the record of a score."""
        if score.dead:
            return cls(None, born=born)
        return cls(score.base, score.intrinsic, born, score.trace)

    @classmethod
    def of(cls, genome: Genome) -> Self:
        """Return the record of an evaluated genome.

        Raises:
            EvaluationError: The genome has none.
        """
        data: Any = genome.metadata.get(KEY)
        if data is None:
            raise EvaluationError(
                f"genome {genome.uuid} has no record of an evaluation; let `Evolve` evaluate it, "
                "or call `Record.of_score(score, generation).added_to(genome)`"
            )
        trace = data["trace"]
        return cls(
            data["base"],
            data["intrinsic"],
            data["born"],
            None if trace is None else RowTrace.from_plain(trace),
        )

    def added_to(self, genome: Genome) -> Genome:
        """Return the genome with this record, and with its fitness: minus base, lower is better."""
        data = {
            "base": self.base,
            "intrinsic": self.intrinsic,
            "born": self.born,
            "trace": None if self.trace is None else self.trace.to_plain(),
        }
        fitness = float("inf") if self.base is None else -self.base
        return genome.with_metadata({KEY: data}).set_fitness(fitness)
