"""Resuming a run from its directory, the network and the task."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import attrs
from torch import nn

from clantune_core import AbstractStrategy, Evolution
from clantune_neuro.errors import DirectoryError
from clantune_neuro.executors.interface import on_writer
from clantune_neuro.lineage import modules
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.run.breeder import Breeder, Place, scorer_of
from clantune_neuro.run.directory import Directory, require_run
from clantune_neuro.run.machine import kind
from clantune_neuro.run.population_file import read_population
from clantune_neuro.run.progress import Progress
from clantune_neuro.run.settings import Settings
from clantune_neuro.tasks.base import Task

_LOG = logging.getLogger("clantune_neuro")


def resumed(
    out: str | os.PathLike[str],
    network: nn.Module,
    task: Task,
    strategies: Sequence[AbstractStrategy] | Evolution | None,
    blueprint: Blueprint | None,
    place: Place,
) -> Breeder:
    """Return the run of a directory, where it stopped.

    Args:
        out: The directory.
        network: The network.
        task: What networks are scored on.
        strategies: The strategies, if the directory does not contain them.
        blueprint: What may change in the network. None: what the directory says.
        place: Where networks are evaluated.

    Raises:
        DirectoryError: The directory cannot be used, or the strategies are missing or differ.
        BlueprintError: The network has other tensors.
    """
    with place.closed_after_errors():
        require_run(Path(out))
        saved = Settings.read(Path(out))
        evolution = _evolution(Path(out), saved, strategies)
        own = blueprint or of_network(network, saved.blueprint)
        own.require_same(saved.blueprint)
        if kind(place.device) != saved.machine:
            _LOG.warning(
                "%s was begun on %s and goes on on %s: the last bit of a score may differ",
                out,
                saved.machine,
                kind(place.device),
            )
        settings = attrs.evolve(saved, blueprint=own, evolution=evolution)
        scorer = scorer_of(network, task, settings, place, out)

        def reopen() -> tuple[Directory, Progress]:
            return Directory.reopen(out, lambda folder: read_population(folder, own))

        made = on_writer(place.executor, reopen)
        if made is None:
            return Breeder(settings, place, scorer, read_population(Path(out), own))
        directory, progress = made
        return Breeder(settings, place, scorer, progress, directory)


def of_network(network: nn.Module, saved: Blueprint) -> Blueprint:
    """Return the blueprint of a network with the exponents and births of another one.

    They belong to the run, as do the operators and the bank. Only names and shapes are those of the
    network.

    Raises:
        BlueprintError: The network cannot evolve, or lacks the tensors of the bank.
    """
    modules.require_buffers(network, saved.buffers or None)
    found = modules.specs(network, "he", saved.tensors[0].unit, {})
    known = {spec.name: spec for spec in saved.tensors}
    tensors = tuple(attrs.evolve(known.get(spec.name, spec), shape=spec.shape) for spec in found)
    return Blueprint(tensors, saved.operators, saved.bank, saved.buffers)


def _evolution(
    folder: Path, saved: Settings, strategies: Sequence[AbstractStrategy] | Evolution | None
) -> Evolution:
    if strategies is None:
        if saved.evolution is None:
            raise DirectoryError(
                f"{folder} does not contain the strategies of its run ({saved.unwritten}); pass "
                "the same ones: Evolve.resume(out, network, task, strategies)",
                folder=str(folder),
            )
        return saved.evolution
    given = strategies if isinstance(strategies, Evolution) else Evolution(strategies)
    if saved.evolution is not None and given != saved.evolution:
        raise DirectoryError(
            f"{folder} is a run of other strategies; leave them out, or begin a run in another "
            f"directory\nthe run's:\n{saved.evolution}\ngiven:\n{given}",
            folder=str(folder),
        )
    return given
