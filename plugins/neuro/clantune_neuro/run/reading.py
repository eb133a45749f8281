"""Reading a run from its directory, without going on with it."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import attrs
from torch import nn

from clantune_neuro.errors import DirectoryError
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.replay.given import GivenBirths
from clantune_neuro.replay.nursery import Nursery
from clantune_neuro.run.best import Best
from clantune_neuro.run.directory import BIRTHS, require_run
from clantune_neuro.run.export import member_of
from clantune_neuro.run.members import order
from clantune_neuro.run.population_file import read_population
from clantune_neuro.run.progress import Progress
from clantune_neuro.run.resuming import of_network
from clantune_neuro.run.settings import Settings


@attrs.frozen(eq=False)
class Stored:
    """A run as its directory describes it.

    Attributes:
        folder: The directory.
        settings: What the run was begun with.
        progress: How far it has come.
    """

    folder: Path
    settings: Settings
    progress: Progress

    @classmethod
    def read(cls, folder: str | os.PathLike[str], blueprint: Blueprint | None = None) -> Stored:
        """Return the run of a directory. A run that is going on can be read too.

        Args:
            folder: The directory.
            blueprint: The blueprint of the user's network. None: that of the run.

        Raises:
            DirectoryError: The directory has no run, no generation, or is damaged.
        """
        path = Path(folder)
        require_run(path)
        settings = Settings.read(path)
        progress = read_population(path, blueprint or settings.blueprint)
        if progress.generation < 0:
            raise DirectoryError(f"{path} has no generation yet", folder=str(path))
        return cls(path, settings, progress)

    @property
    def births(self) -> GivenBirths:
        """The given weights of births."""
        return GivenBirths(self.folder / BIRTHS)


def member_in(
    folder: str | os.PathLike[str], network: nn.Module, uuid: UUID | str | None = None
) -> Best:
    """Return a member of the last generation of a directory.

    Args:
        folder: The directory.
        network: The network of the run.
        uuid: Identity of the member, or how it begins; None: the best one.

    Raises:
        NeuroError: The directory cannot be read, or there is no such member.
    """
    saved = Settings.read(Path(folder))
    own = of_network(network, saved.blueprint)
    own.require_same(saved.blueprint)
    run = Stored.read(folder, own)
    population = run.progress.population
    genome = max(population, key=order) if uuid is None else member_of(population, uuid)
    nursery = Nursery(own, births=run.births)
    return Best(genome, run.progress.generation, network, nursery)
