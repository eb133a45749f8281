"""Evolve: a population of networks, bred generation after generation."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self
from uuid import UUID

import torch
from torch import nn

from clantune_core import AbstractStrategy, Evolution, Population
from clantune_neuro.evaluation.batched import usual_form
from clantune_neuro.executors.futures import Submits
from clantune_neuro.executors.interface import Executor
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.run.beginning import begun
from clantune_neuro.run.best import Best
from clantune_neuro.run.breeder import Place
from clantune_neuro.run.checking import require_usable
from clantune_neuro.run.chosen import chosen
from clantune_neuro.run.export import member_of
from clantune_neuro.run.generation import Generation
from clantune_neuro.run.machine import kind
from clantune_neuro.run.members import order
from clantune_neuro.run.progress import Progress
from clantune_neuro.run.resuming import resumed
from clantune_neuro.run.settings import Settings
from clantune_neuro.tasks.base import Task
from clantune_neuro.tasks.score import Score


class Evolve:
    """Evolves the weights of a network for a task.

    Two runs with the same arguments give the same lineages. Where chunks are scored makes no
    difference on one kind of machine; on another kind, the last bit of a score may differ. Used in
    a `with` statement, a run is closed at the end.
    """

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        strategies: Sequence[AbstractStrategy] | Evolution | None = None,
        *,
        recipe: str | None = None,
        population: int | None = None,
        strength: float | None = None,
        seed: int = 0,
        blueprint: Blueprint | None = None,
        executor: Executor | Submits | str | int | None = None,
        form: str | None = None,
        chunk: int = 32,
        cap: int | str = "256MiB",
        device: str = "cpu",
        threads: int = 1,
        improvement: bool = False,
        compact_after: int | None = None,
        out: str | os.PathLike[str] | None = None,
        command: Mapping[str, Any] | None = None,
    ) -> None:
        """Prepare a run. Nothing is evaluated yet.

        Args:
            network: The network. Any module with floating parameters works.
            task: What networks are scored on.
            strategies: A list of strategies, an `Evolution` or a recipe.
            recipe: Name of a recipe instead, such as `"duplicate"`.
            population: Number of members. None: as the recipe says, or 80.
            strength: Strength of new genes at the start, from 2^-20 to 4. None: as the recipe
                says, or 0.02.
            seed: Seed of births, draws and tasks.
            blueprint: What may change in the network. None: `Blueprint.of(network)`.
            executor: Where networks are evaluated. None: in this process. `"pool:4"`: in four
                processes. `"ranks"`: on all ranks of `clantune launch -n 4`.
                `"dask:tcp://HOST:8786"`: on workers of Dask. Also an executor of
                `concurrent.futures`, which stays open.
            form: `"loop"`, `"vmap"` or `"shared"`. None: the usual form of the network.
            chunk: Lineages that are scored in one go. It belongs to the run, not to the machine.
            cap: The largest number of bytes of weights that each process keeps.
            device: The device of the weights.
            threads: Threads of torch per process that evaluates. It belongs to the run, too: a sum
                over more threads may differ in its last bit.
            improvement: Score what a child scores above its parent on the same minibatch.
            compact_after: Number of genes above which those that all members share become a birth
                of given weights. None: lineages keep all genes.
            out: A new directory for the history and the population; see `resume`. None: no files.
            command: What the directory keeps for the command line that began the run.

        Raises:
            NeuroError: An argument cannot be used; the error says what to do.
        """
        require_usable(network, task, device, out)
        rules = chosen(strategies, recipe, population, strength)
        settings = Settings(
            blueprint=blueprint or Blueprint.of(network, operators=rules.operators),
            evolution=rules.evolution,
            seed=seed,
            form=form or usual_form(network, task, torch.device(device)),
            chunk=chunk,
            improvement=improvement,
            compact_after=compact_after,
            threads=threads,
            command=command or {},
            machine=kind(device),
        )
        self._network, place = network, Place.of(executor, cap, device)
        self._breeder = begun(network, task, rules, settings, place, out)

    @classmethod
    def resume(
        cls,
        out: str | os.PathLike[str],
        network: nn.Module,
        task: Task,
        strategies: Sequence[AbstractStrategy] | Evolution | None = None,
        *,
        blueprint: Blueprint | None = None,
        executor: Executor | Submits | str | int | None = None,
        cap: int | str = "256MiB",
        device: str = "cpu",
    ) -> Self:
        """Return the run of a directory. Its history goes on as if nothing had happened.

        Args:
            out: The directory.
            network: The same network.
            task: The same task.
            strategies: The same strategies, if the directory does not contain them.
            blueprint: What may change in the network, if parameters were renamed.
            executor: Any executor, as in a new run.
            cap: As in a new run.
            device: As in a new run.

        Raises:
            NeuroError: The directory or an argument cannot be used; the error says what to do.
        """
        require_usable(network, task, device, out)
        made = object.__new__(cls)
        made._network, place = network, Place.of(executor, cap, device)
        made._breeder = resumed(out, network, task, strategies, blueprint, place)
        return made

    # ---- Going on ----

    def until(
        self,
        generations: int,
        *,
        score: float | None = None,
        report: Callable[[Generation], object] | None = None,
    ) -> Best:
        """Breed until a generation has been evaluated, and return the best member.

        The run stops earlier at a perfect score.

        Args:
            generations: Number of the last generation.
            score: Stop also where a member reaches this base score.
            report: Is called after each generation.
        """
        self._breeder.until(generations, score, report)
        return self.best

    def step(self) -> Generation:
        """Breed and evaluate one generation. The first one evaluates the births."""
        return self._breeder.step()

    def score(
        self, lineage: str, *, task: Task | None = None, generation: int | None = None
    ) -> Score:
        """Return the score of one lineage.

        Args:
            lineage: Its text.
            task: Another task, such as `task.held_out()`. None: that of the run.
            generation: The generation whose minibatch or episodes it is scored on. None: the last.

        Raises:
            FailedError: The task raised an error.
        """
        return self._breeder.score(lineage, task, generation)

    def close(self) -> None:
        """Let other processes use the directory, and end the processes that this run started.

        An executor that the run was given stays open.
        """
        self._breeder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # ---- What there is ----

    @property
    def settings(self) -> Settings:
        """What the run was begun with, with the blueprint of its lineages."""
        return self._breeder.settings

    @property
    def progress(self) -> Progress:
        """How far the run has come."""
        return self._breeder.progress

    @property
    def writes(self) -> bool:
        """Whether this process reports. Of several ranks, one does."""
        return self._breeder.place.executor.writes

    @property
    def generation(self) -> int:
        """Number of the generation that was evaluated last; -1 before the first."""
        return self.progress.generation

    @property
    def evaluations(self) -> int:
        """Number of networks evaluated so far."""
        return self.progress.evaluations

    @property
    def population(self) -> Population:
        """The members of the last generation, with their records.

        Raises:
            NeuroError: No generation has been evaluated.
        """
        return self.progress.evaluated()

    @property
    def best(self) -> Best:
        """The best member of the last generation."""
        return self.member(max(self.population, key=order).uuid)

    def member(self, uuid: UUID | str) -> Best:
        """Return a member of the last generation as plain PyTorch.

        Raises:
            NeuroError: No member has this identity.
        """
        nursery = self._breeder.scorer.workplace.nursery
        return Best(member_of(self.population, uuid), self.generation, self._network, nursery)
