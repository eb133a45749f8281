"""Scoring a population: each lineage whose score is not known, once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

import attrs

from clantune_core import Genome, Population
from clantune_neuro.evaluation.chunks import Halving, boundaries
from clantune_neuro.evaluation.forms import families
from clantune_neuro.evaluation.improvement import improvements
from clantune_neuro.evaluation.outcomes import Chunk, Outcome
from clantune_neuro.evaluation.record import Record
from clantune_neuro.evaluation.workplace import Workplace
from clantune_neuro.executors.interface import Executor
from clantune_neuro.run.members import lineage_of
from clantune_neuro.strategies.lethal import is_born_dead
from clantune_neuro.tasks.base import TaskContext
from clantune_neuro.tasks.score import Score

_LOG = logging.getLogger("clantune_neuro")


@attrs.frozen
class Scored:
    """A population with its scores.

    Attributes:
        population: The members with their records.
        num_evaluated: Number of networks that were evaluated.
        frames: Number of game frames that this took.
        halvings: The passes that did not fit into memory.
    """

    population: Population
    num_evaluated: int = 0
    frames: int = 0
    halvings: tuple[Halving, ...] = ()


@attrs.frozen
class Scorer:
    """Scores the population of each generation.

    Attributes:
        workplace: What scores lineages.
        executor: Where it does.
        chunk: Lineages per chunk.
        seed: Seed of the run.
        improvement: Whether a score is what a child scores above its parent.
    """

    workplace: Workplace
    executor: Executor
    chunk: int
    seed: int
    improvement: bool

    def scored(
        self, members: Sequence[Genome], before: Population | None, generation: int
    ) -> Scored:
        """Return the members with their records.

        Args:
            members: The members.
            before: The population that they were bred from.
            generation: Number of the generation.
        """
        known = {
            str(lineage_of(one)): Record.of(one) for one in before or () if not is_born_dead(one)
        }
        living = [member for member in members if not is_born_dead(member)]
        parents = _parents(living, before) if self.improvement else {}
        wanted = dict.fromkeys([*map(lineage_of, living), *parents.values()])
        fixed = not (self.workplace.task.noisy or self.improvement)
        new = [text for text in wanted if not (fixed and text in known)]
        outcomes, halvings = self._outcomes(new, TaskContext(generation, self.seed))
        scores = {text: outcome.score for text, outcome in outcomes.items()}
        if parents:
            scores |= _improved(scores, parents)
        born = {text: record.born for text, record in known.items()}
        records = known | {
            text: Record.of_score(score, born.get(text, generation))
            for text, score in scores.items()
        }
        _tell(outcomes, born, generation)
        frames = sum(outcome.score.frames for outcome in outcomes.values())
        stillborn = Record(None, born=generation)
        scored = [
            (stillborn if is_born_dead(member) else records[lineage_of(member)]).added_to(member)
            for member in members
        ]
        return Scored(Population(scored), len(outcomes), frames, halvings)

    def _outcomes(
        self, lineages: Sequence[str], context: TaskContext
    ) -> tuple[dict[str, Outcome], tuple[Halving, ...]]:
        """Return what becomes of each lineage, and the passes that did not fit into memory."""
        if self.workplace.form == "shared":  # so that most families lie within one chunk
            lineages = [child for family in families(lineages).values() for child in family]
        chunks = [
            Chunk(tuple(lineages[place] for place in places), context)
            for places in boundaries(len(lineages), self.chunk)
        ]
        found = self.executor.map(self.workplace, chunks)
        each = [outcome for outcomes in found for outcome in outcomes.each]
        halvings = tuple(halving for outcomes in found for halving in outcomes.halvings)
        return dict(zip(lineages, each, strict=True)), halvings


def _parents(members: Iterable[Genome], before: Population | None) -> dict[str, str]:
    """Return the lineage of the dominant parent of each lineage."""
    if before is None:
        return {}
    return {
        lineage_of(member): lineage_of(before[member.parents.dominant])
        for member in members
        if member.parents is not None
    }


def _improved(scores: Mapping[str, Score], parents: Mapping[str, str]) -> dict[str, Score]:
    places = {parent: place for place, parent in enumerate(dict.fromkeys(parents.values()))}
    found = improvements(
        [scores[child] for child in parents],
        [scores[parent] for parent in places],
        [places[parent] for parent in parents.values()],
    )
    return dict(zip(parents, found, strict=True))


def _tell(outcomes: Mapping[str, Outcome], born: Mapping[str, int], generation: int) -> None:
    """Name each member that died, once."""
    for lineage, outcome in outcomes.items():
        if outcome.score.dead and lineage not in born:
            why = outcome.death or f"its score is {outcome.score.base}"
            _LOG.warning("generation %d: a member is dead: %s; %s", generation, why, lineage)
