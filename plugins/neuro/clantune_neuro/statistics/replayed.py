"""The ancestors of the best member, replayed and scored again."""

from __future__ import annotations

import os
from collections.abc import Callable

import attrs
from torch import nn

from clantune_neuro.evaluation.outcomes import Chunk
from clantune_neuro.executors.interface import Serial
from clantune_neuro.lineage.gene import CHARACTERS
from clantune_neuro.run.ancestry import ancestors
from clantune_neuro.run.breeder import Place, scorer_of
from clantune_neuro.run.reading import Stored
from clantune_neuro.run.resuming import of_network
from clantune_neuro.tasks.base import Task, TaskContext


@attrs.frozen
class Replayed:
    """An ancestor of the best member.

    Attributes:
        generation: Generation in which its lineage came up.
        genes: Number of its genes.
        then: Its base score in that generation; None if it is not known.
        now: Its base score in the last generation's task: the same minibatch for all ancestors.
        held_out: Its base score on what no selection sees; None if the task holds nothing out.
    """

    generation: int
    genes: int
    then: float | None
    now: float
    held_out: float | None


def replayed(
    folder: str | os.PathLike[str],
    network: nn.Module,
    task: Task,
    *,
    cap: int | str = "256MiB",
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Replayed]:
    """Score every ancestor of the best member, oldest first.

    Ancestors are scored on the task of the last generation, one by one.

    Args:
        folder: The directory of the run.
        network: The network of the run.
        task: The task of the run.
        cap: The largest number of bytes of weights to keep.
        progress: Is told how many ancestors are done, and of how many.

    Raises:
        NeuroError: The directory cannot be read, or belongs to another network.
    """
    saved = Stored.read(folder).settings
    own = of_network(network, saved.blueprint)
    own.require_same(saved.blueprint)
    run = Stored.read(folder, own)
    settings = attrs.evolve(saved, blueprint=own)
    place = scorer_of(network, task, settings, Place(Serial(), cap, "cpu"), folder).workplace
    context = TaskContext(run.progress.generation, settings.seed)
    unseen = task.held_out()

    def scored(lineage: str, what: Task) -> float:
        return place.with_task(what).evaluate(Chunk((lineage,), context)).each[0].score.base

    found: list[Replayed] = []
    distinct = {ancestor.lineage: ancestor for ancestor in reversed(ancestors(folder))}
    for lineage, ancestor in reversed(distinct.items()):
        found.append(
            Replayed(
                ancestor.generation,
                len(lineage) // CHARACTERS,
                ancestor.past.base,
                scored(lineage, task),
                None if unseen is None else scored(lineage, unseen),
            )
        )
        progress(len(found), len(distinct))
    return found
