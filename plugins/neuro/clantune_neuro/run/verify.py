"""Verifying a member of a run: its weights and its score, from the files alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from uuid import UUID

import attrs
from torch import nn

from clantune_core import Ancestry, Genome, Population
from clantune_neuro.errors import DirectoryError
from clantune_neuro.evaluation.record import Record
from clantune_neuro.executors.interface import Serial
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.replay.nursery import Nursery
from clantune_neuro.run.ancestry import generations
from clantune_neuro.run.breeder import Place, scorer_of
from clantune_neuro.run.export import member_of
from clantune_neuro.run.history_file import read_history
from clantune_neuro.run.machine import kind
from clantune_neuro.run.members import WEIGHTS, lineage_of, order
from clantune_neuro.run.population_file import read_population
from clantune_neuro.run.progress import Progress
from clantune_neuro.run.resuming import of_network
from clantune_neuro.run.scoring import Scorer
from clantune_neuro.run.settings import Settings
from clantune_neuro.tasks.base import Task


@attrs.frozen
class Verdict:
    """What came of a verification.

    Attributes:
        sha256: SHA-256 of the integer weights, replayed from the birth without any cache.
        cached: The same with a cache that contains relatives of the member.
        score: The base score that the run wrote down, higher is better; None for a dead member.
        again: The base score of the same evaluation done again.
        machines: The kind of machine of the run, and of this process.
    """

    sha256: str
    cached: str
    score: float | None
    again: float | None
    machines: tuple[str, str]

    @property
    def passed(self) -> bool:
        """Whether both hashes and both scores are equal, scores to the bit."""
        return self.sha256 == self.cached and self.score == self.again

    def __str__(self) -> str:
        if self.sha256 != self.cached:
            return f"the weights differ: {self.sha256} without a cache, {self.cached} with one"
        if self.score == self.again:
            return f"verified: weights {self.sha256}, score {self.score}"
        text = f"the weights are {self.sha256}, but the score {self.score} is {self.again} now"
        begun, now = self.machines
        if begun == now:
            return f"{text}; the network or the task is another one than in the run"
        return f"{text}; the run was begun on {begun} and this is {now}, so its last bit may differ"


def verify(
    folder: str | os.PathLike[str],
    network: nn.Module,
    task: Task,
    uuid: UUID | str | None = None,
    *,
    cap: int | str = "256MiB",
    device: str = "cpu",
) -> Verdict:
    """Replay a member of the last generation from the files of a run, and score it again.

    The generation in which it was scored is evaluated as a whole, in the chunks of the run, because
    the last bit of a score may depend on them.

    Args:
        folder: The directory of the run. Nothing in it is changed.
        network: The network of the run.
        task: The task of the run.
        uuid: Identity of the member; None: the best one.
        cap: The largest number of bytes of weights that the evaluation keeps.
        device: The device of the weights.

    Raises:
        NeuroError: The directory cannot be read, or there is no such member.
    """
    path = Path(folder)
    saved = Settings.read(path)
    own = of_network(network, saved.blueprint)
    own.require_same(saved.blueprint)
    settings = attrs.evolve(saved, blueprint=own)
    progress = _evaluated(path, own)
    population = progress.population
    genome = max(population, key=order) if uuid is None else member_of(population, uuid)
    scorer = scorer_of(network, task, settings, Place(Serial(), cap, device), path)
    again = _again(path, progress.generation, genome, scorer)
    warm = scorer.workplace.nursery
    cold = Nursery(own, 0, device=device, births=warm.births)
    return Verdict(
        cold.state(lineage_of(genome)).sha256,
        warm.state(lineage_of(genome)).sha256,
        Record.of(genome).base,
        again.base,
        (saved.machine, kind(device)),
    )


def _evaluated(folder: Path, blueprint: Blueprint) -> Progress:
    progress = read_population(folder, blueprint)
    if progress.generation < 0:
        raise DirectoryError(f"{folder} has no generation yet", folder=str(folder))
    return progress


def _again(folder: Path, last: int, genome: Genome, scorer: Scorer) -> Record:
    """Return the record of a member, from the evaluation of its generation done again."""
    kept = not (scorer.workplace.task.noisy or scorer.improvement)
    number = Record.of(genome).born if kept else last
    lines = [*islice(read_history(folder), last + 1)]
    lineage = str(lineage_of(genome))
    for line in reversed(lines[number + 1 :]):
        lineage = line.uncompacted(lineage)
    *_, (line, lineages, before) = generations(lines[: number + 1])
    parents = (
        [
            past.record.added_to(_with(genome, text))
            for past, text in zip(lines[number - 1].members, before, strict=True)
        ]
        if before
        else []
    )
    members = [
        _with(genome, text, past.dominant, parents)
        for past, text in zip(line.members, lineages, strict=True)
    ]
    found = scorer.scored(members, Population(parents) if parents else None, number).population
    records = {str(lineage_of(member)): Record.of(member) for member in found}
    if lineage not in records:
        raise DirectoryError(
            f"the history of {folder} does not contain the lineage of member {genome.uuid} in "
            f"generation {number}; one of its files is damaged",
            folder=str(folder),
        )
    return records[lineage]


def _with(
    genome: Genome, lineage: str, dominant: int | None = None, parents: Sequence[Genome] = ()
) -> Genome:
    """Return a genome with another lineage and one parent, or none."""
    made = genome.with_alleles({WEIGHTS: genome.alleles[WEIGHTS].with_value(lineage)})
    ancestry = None if dominant is None else Ancestry.sole(dominant, parents)
    return attrs.evolve(made, parents=ancestry)
