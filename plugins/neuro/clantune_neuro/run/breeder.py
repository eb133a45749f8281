"""The breeder: takes a run from generation to generation, and tells its directory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import attrs
from torch import nn

from clantune_core import Genome, Population
from clantune_neuro.errors import NeuroError
from clantune_neuro.evaluation.outcomes import Chunk
from clantune_neuro.evaluation.record import Record
from clantune_neuro.evaluation.workplace import FailedError, Workplace, hollow
from clantune_neuro.executors.choose import executor_of
from clantune_neuro.executors.futures import Submits
from clantune_neuro.executors.interface import Executor
from clantune_neuro.replay.given import GivenBirths
from clantune_neuro.run.checking import require_whole
from clantune_neuro.run.compacting import Compaction, compacted_population
from clantune_neuro.run.directory import BIRTHS, Directory
from clantune_neuro.run.generation import Generation, bred
from clantune_neuro.run.history import Line
from clantune_neuro.run.members import order
from clantune_neuro.run.progress import Progress
from clantune_neuro.run.repeating import how_to_repeat
from clantune_neuro.run.scoring import Scorer
from clantune_neuro.run.settings import Settings
from clantune_neuro.tasks.base import Task, TaskContext
from clantune_neuro.tasks.score import Score


@attrs.frozen
class Place:
    """Where networks are evaluated. It belongs to the machine, and not to the run.

    Attributes:
        executor: Scores chunks.
        cap: The largest number of bytes of weights that each process keeps.
        device: The device of the weights.
        owned: Whether the run started the executor, and so closes it.
    """

    executor: Executor
    cap: int | str
    device: str
    owned: bool = False

    @classmethod
    def of(
        cls, executor: Executor | Submits | str | int | None, cap: int | str, device: str
    ) -> Self:
        """Return the place that a run was given; see `Evolve`."""
        found = executor_of(executor)
        return cls(found, cap, device, owned=found is not executor)

    def close(self) -> None:
        """Close the executor, if the run started it."""
        if self.owned:
            self.executor.close()

    @contextmanager
    def closed_after_errors(self) -> Iterator[None]:
        """Close it if a run cannot begin."""
        try:
            yield
        except BaseException:
            self.close()
            raise


@attrs.define(eq=False)
class Breeder:
    """Takes a run from generation to generation.

    Attributes:
        settings: What the run was begun with, strategies included.
        place: Where networks are evaluated.
        scorer: Scores the members.
        progress: How far the run has come.
        directory: Is told of each generation; None keeps no files.
        closed: Whether the run has ended.
    """

    settings: Settings
    place: Place
    scorer: Scorer
    progress: Progress
    directory: Directory | None = None
    closed: bool = attrs.field(default=False, init=False)

    def until(
        self,
        generations: int,
        score: float | None,
        report: Callable[[Generation], object] | None,
    ) -> None:
        """Breed until a generation has been evaluated, or a score is reached; see `Evolve`."""
        require_whole("generations", generations, 0)
        self.plan(generations)
        try:
            while self.progress.generation < generations and not self.reached(score):
                done = self.step()
                if report is not None:
                    report(done)
        finally:
            self.save()

    def step(self) -> Generation:
        """Breed and evaluate one generation. The first one evaluates the births.

        Raises:
            NeuroError: The run is closed.
        """
        if self.closed:
            raise NeuroError(f"this run is closed; {self._instead()}")
        done, number = self.progress, self.progress.generation + 1
        compaction = self._compaction(done.population) if number else None
        before = done.population if compaction is None else compaction.population
        members = self._bred(before, number) if number else before
        try:
            scored = self.scorer.scored(members, before if number else None, number)
        except FailedError as error:
            error.add_note(how_to_repeat(error.failure, self.directory))
            raise
        now = Progress(
            scored.population,
            number,
            done.evaluations + scored.num_evaluated,
            done.frames + scored.frames,
            done.total,
        )
        if self.directory is not None:
            self.directory.record(Line.of(now, before, scored.halvings, compaction), now)
        self.progress = now  # last: an interrupted step is taken again
        return Generation.of(now.population, number, now.evaluations, now.frames)

    def score(self, lineage: str, task: Task | None, generation: int | None) -> Score:
        """Return the score of one lineage; see `Evolve.score`."""
        place = self.scorer.workplace
        if task is not None:
            place = place.with_task(task)
        number = max(0, self.progress.generation) if generation is None else generation
        chunk = Chunk((lineage,), TaskContext(number, self.settings.seed))
        return place.evaluate(chunk).each[0].score

    def plan(self, generations: int) -> None:
        """Fix the length of the run, of which strategies see a fraction, unless it is fixed."""
        if self.progress.total is None:
            self.progress = attrs.evolve(self.progress, total=generations)
            self.save()

    def reached(self, score: float | None) -> bool:
        """Return whether a member has the perfect score, or a given one.

        One minibatch without a mistake is no reason to stop, and neither is an improvement.
        """
        if self.progress.generation < 0:
            return False
        task = self.scorer.workplace.task
        perfect = None if task.noisy or self.settings.improvement else task.perfect
        goals = [goal for goal in (score, perfect) if goal is not None]
        best = Record.of(max(self.progress.population, key=order)).base
        return best is not None and any(best >= goal for goal in goals)

    def save(self) -> None:
        """Write the population to the directory, if there is one."""
        if self.directory is not None and not self.closed:
            self.directory.save(self.progress)

    def close(self) -> None:
        """Let other processes use the directory, and close an executor that the run started."""
        if self.closed:
            return
        self.closed = True
        if self.directory is not None:
            self.directory.save(self.progress)
            self.directory.close()
        self.place.close()

    def _instead(self) -> str:
        if self.directory is None:
            return "call `close` when no more generations are to follow"
        return f"go on with Evolve.resume({str(self.directory.folder)!r}, network, task)"

    def _compaction(self, population: Population) -> Compaction | None:
        after = self.settings.compact_after
        if after is None:
            return None
        return compacted_population(population, self.scorer.workplace.nursery, after)

    def _bred(self, population: Population, number: int) -> list[Genome]:
        total = self.progress.total
        assert self.settings.evolution is not None  # noqa: S101  (a run has them)
        return bred(
            self.settings.evolution,
            population,
            seed=self.settings.seed,
            generation=number,
            progress=None if total is None else min(1.0, number / max(1, total)),
        )


def scorer_of(
    network: nn.Module,
    task: Task,
    settings: Settings,
    place: Place,
    out: str | os.PathLike[str] | None,
) -> Scorer:
    """Return what scores the networks of a run.

    Args:
        network: The network.
        task: What networks are scored on.
        settings: The settings of the run.
        place: Where networks are evaluated.
        out: The directory of the run, which holds given weights; None keeps them in memory.
    """
    workplace = Workplace(
        hollow(network, settings.blueprint, place.device),
        settings.blueprint,
        task,
        settings.form,
        cap=place.cap,
        device=place.device,
        threads=settings.threads,
        births=GivenBirths(None if out is None else Path(out) / BIRTHS),
    )
    return Scorer(workplace, place.executor, settings.chunk, settings.seed, settings.improvement)
