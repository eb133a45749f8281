"""A workplace: all that scores lineages, in the process of a run or in that of a worker."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from clantune_neuro.errors import BirthError, EvaluationError, OperatorError
from clantune_neuro.evaluation.batched import task_of_points
from clantune_neuro.evaluation.chunks import Halving
from clantune_neuro.evaluation.forms import DeadError, Setting, form_named
from clantune_neuro.evaluation.loop import prepared
from clantune_neuro.evaluation.outcomes import Chunk, Failure, Outcome, Outcomes
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.replay.given import GivenBirths
from clantune_neuro.replay.nursery import Nursery
from clantune_neuro.tasks.base import Task, TaskContext
from clantune_neuro.tasks.score import Score


class FailedError(EvaluationError):
    """A task that raised an error while it scored a network.

    Attributes:
        failure: What is known of it, as it travels from a worker.
    """

    def __init__(self, failure: Failure) -> None:
        of = f"the lineage {failure.lineages[0]}"
        if len(failure.lineages) > 1:
            of = f"a chunk of {len(failure.lineages)} lineages that begins with {of}"
        super().__init__(
            f"{failure.task} failed on {of} in generation {failure.generation}: {failure.error}"
        )
        self.failure = failure

    def __reduce__(self) -> tuple[Any, ...]:
        return (FailedError, (self.failure,))


class Workplace:
    """Scores chunks of lineages. It keeps a nursery from chunk to chunk.

    It can be pickled, without its nursery.

    Attributes:
        module: The network without weights; see `hollow`.
        blueprint: The blueprint of the lineages.
        task: What networks are scored on.
        form: How the lineages of a chunk are scored.
        nursery: Replays the weights.
        threads: Number of threads of torch while it scores.
    """

    def __init__(
        self,
        module: nn.Module,
        blueprint: Blueprint,
        task: Task,
        form: str = "loop",
        *,
        cap: int | str = "256MiB",
        device: str = "cpu",
        births: GivenBirths | None = None,
        threads: int = 1,
    ) -> None:
        """Make a workplace with an empty nursery.

        Args:
            module: The network without weights; see `hollow`.
            blueprint: The blueprint of the lineages.
            task: What networks are scored on.
            form: How the lineages of a chunk are scored: `"loop"`, `"vmap"` or `"shared"`.
            cap: The largest number of bytes that the nursery keeps.
            device: The device of the weights.
            births: The given weights of births.
            threads: Number of threads of torch while it scores, whatever the process has set. A
                sum over more threads may differ in its last bit.

        Raises:
            EvaluationError: There is no such form, it does not suit the task, or there is no
                thread.
        """
        if threads < 1:
            raise EvaluationError(f"threads is {threads}; take 1 or more")
        self._score = form_named(form)
        if form != "loop":
            task_of_points(task, form)
        self.form = form
        self.module = module
        self.blueprint = blueprint
        self.task = task
        self.threads = threads
        self.nursery = Nursery(blueprint, cap, device=device, births=births)

    def evaluate(self, chunk: Chunk) -> Outcomes:
        """Return what becomes of each lineage of a chunk.

        A lineage whose weights leave their range, or that has a strength that a tensor cannot
        represent, is dead: it has no weights.

        Raises:
            BirthError: The given weights of a lineage are missing or damaged.
            OperatorError: An operator raised an error. The error names it and the gene.
            FailedError: The task raised an error.
        """
        with _threads(self.threads):
            if self.form == "loop":  # a chunk that is scored one by one need not begin anew
                each = [self._evaluate((lineage,), chunk.context, []) for lineage in chunk.lineages]
                return Outcomes(tuple(outcome for outcomes in each for outcome in outcomes))
            halvings: list[Halving] = []
            each_one = self._evaluate(chunk.lineages, chunk.context, halvings)
            return Outcomes(each_one, tuple(halvings))

    def with_task(self, task: Task) -> Workplace:
        """Return a workplace for another task, with the same nursery. It scores one by one."""
        made = Workplace(self.module, self.blueprint, task, threads=self.threads)
        made.nursery = self.nursery
        return made

    def _evaluate(
        self, lineages: tuple[str, ...], context: TaskContext, halvings: list[Halving]
    ) -> tuple[Outcome, ...]:
        """Score lineages, and begin anew without a lineage that turns out to be dead."""
        dead: dict[str, Outcome] = {}
        while True:
            alive = tuple(lineage for lineage in lineages if lineage not in dead)
            halvings.clear()
            try:
                setting = Setting(self.module, self.nursery, self.task, context, halvings.append)
                scores = self._score(setting, alive)
            except DeadError as death:
                dead[death.lineage] = Outcome(Score(float("nan")), death.reason)
            except (BirthError, OperatorError):  # of replay, not of the task
                raise
            except Exception as error:
                raise FailedError(self._failure(error, alive, context)) from error
            else:
                scored = dict(zip(alive, map(Outcome, scores), strict=True))
                return tuple({**scored, **dead}[lineage] for lineage in lineages)

    def _failure(
        self, error: Exception, lineages: tuple[str, ...], context: TaskContext
    ) -> Failure:
        name, text = type(error).__name__, "".join(traceback.format_exception(error))
        return Failure(
            type(self.task).__name__, f"{name}: {error}", lineages, context.generation, text
        )

    def __reduce__(self) -> tuple[Any, ...]:
        nursery = self.nursery
        make = partial(Workplace, cap=nursery.cap, device=str(nursery.device), threads=self.threads)
        return (make, (self.module, self.blueprint, self.task, self.form))


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Have torch use a number of threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def hollow(module: nn.Module, blueprint: Blueprint, device: torch.device | str) -> nn.Module:
    """Return a copy of a module for evaluation, whose evolving parameters have no values.

    A lineage gives the values. Without them a worker is sent a few kilobytes.
    """
    parameters = dict(module.named_parameters())
    evolving = [parameters[spec.name] for spec in blueprint.tensors]
    empty = {
        id(each): nn.Parameter(torch.empty_like(each, device="meta"), False) for each in evolving
    }
    made = copy.deepcopy(module, empty)
    for part in made.modules():
        for name, buffer in part.named_buffers(recurse=False):
            setattr(part, name, buffer.to(device))
    return prepared(made, blueprint.buffers)
