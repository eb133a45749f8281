"""Beginning a run: its first members, and its directory."""

from __future__ import annotations

import os

from torch import nn

from clantune_core import Population
from clantune_neuro.evaluation.room import require_room
from clantune_neuro.executors.interface import Serial, on_writer
from clantune_neuro.lineage.strengths import require_births, require_strength
from clantune_neuro.run.breeder import Breeder, Place, scorer_of
from clantune_neuro.run.chosen import Chosen
from clantune_neuro.run.directory import Directory
from clantune_neuro.run.members import first_allele, first_members
from clantune_neuro.run.progress import Progress
from clantune_neuro.run.settings import Settings
from clantune_neuro.tasks.base import Task


def begun(
    network: nn.Module,
    task: Task,
    rules: Chosen,
    settings: Settings,
    place: Place,
    out: str | os.PathLike[str] | None,
) -> Breeder:
    """Return a run before its first generation.

    Args:
        network: The network. Its weights count where the blueprint says that births are given.
        task: What networks are scored on.
        rules: The rules of the run.
        settings: What its directory keeps.
        place: Where networks are evaluated.
        out: The directory; None writes no files.

    Raises:
        StrengthError: A tensor cannot represent the first strength, or its birth.
        EvaluationError: The weights of a chunk do not fit into memory at once.
    """
    with place.closed_after_errors():
        require_births(settings.blueprint.tensors)
        require_strength(rules.strength, settings.blueprint.tensors)
        _require_room(rules, settings, place)
        scorer = scorer_of(network, task, settings, place, out)
        births = scorer.workplace.nursery.births

        def first() -> Progress:
            seed = settings.seed
            allele = first_allele(network, settings.blueprint, births, seed, rules.strength)
            members = first_members(allele, rules.evolution, rules.population, seed)
            return Progress(Population(members))

        def begin() -> tuple[Directory, Progress] | None:
            return None if out is None else Directory.begin(out, settings, first)

        made = on_writer(place.executor, begin)
        if made is None:
            return Breeder(settings, place, scorer, first())
        directory, progress = made
        return Breeder(settings, place, scorer, progress, directory)


def _require_room(rules: Chosen, settings: Settings, place: Place) -> None:
    """Check that this process has room for a chunk whose weights are made at once."""
    if settings.form == "vmap" and isinstance(place.executor, Serial):
        members = min(settings.chunk, rules.population)
        require_room(settings.blueprint.num_weights, members, device=place.device)
