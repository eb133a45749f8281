"""What is sent to a worker, and what comes back. Lineages and scores travel, weights do not."""

from __future__ import annotations

import attrs

from clantune_neuro.evaluation.chunks import Halving
from clantune_neuro.tasks.base import TaskContext
from clantune_neuro.tasks.score import Score


@attrs.frozen
class Chunk:
    """Lineages to score in one go.

    Attributes:
        lineages: Texts of the lineages.
        context: The generation and the seed of the run.
    """

    lineages: tuple[str, ...]
    context: TaskContext


@attrs.frozen
class Outcome:
    """What became of one lineage.

    Attributes:
        score: Its score. It is NaN for a lineage that has no weights.
        death: Why it has no weights; empty if it has.
    """

    score: Score
    death: str = ""


@attrs.frozen
class Outcomes:
    """What became of the lineages of a chunk.

    Attributes:
        each: One outcome per lineage, in order.
        halvings: The passes that did not fit into memory.
    """

    each: tuple[Outcome, ...]
    halvings: tuple[Halving, ...] = ()


@attrs.frozen
class Failure:
    """A task that raised an error.

    Attributes:
        task: Name of the class of the task.
        error: Type and message of the error.
        lineages: The lineages that were scored, one or more.
        generation: The generation.
        traceback: The traceback as text.
    """

    task: str
    error: str
    lineages: tuple[str, ...]
    generation: int
    traceback: str
