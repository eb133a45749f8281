"""Networks whose genome is a lineage of seeds, replayed to the same bits on every machine.

A `Blueprint` says what may change in a module. A `LineageAllele` holds the lineage of a network,
and a `Nursery` replays its weights.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clantune_neuro.errors import (
        BirthError,
        BlueprintError,
        DirectoryError,
        EvaluationError,
        LineageError,
        NetworkError,
        NeuroError,
        OperatorError,
        RangeError,
        StrengthError,
        TaskError,
    )
    from clantune_neuro.lineage.blueprint import Blueprint, LineageAllele
    from clantune_neuro.lineage.gene import Gene
    from clantune_neuro.lineage.lineage import Lineage
    from clantune_neuro.lineage.registry import operator
    from clantune_neuro.lineage.tensors import Birth
    from clantune_neuro.recipes import NeuroRecipe
    from clantune_neuro.replay.given import GivenBirths
    from clantune_neuro.replay.nursery import Nursery
    from clantune_neuro.run.evolve import Evolve
    from clantune_neuro.strategies.append import Append
    from clantune_neuro.strategies.crossovers import ByPosition, OnePoint, Union
    from clantune_neuro.strategies.duplicate import Duplicate
    from clantune_neuro.strategies.lethal import LethalRate
    from clantune_neuro.strategies.lexicographic import Lexicographic
    from clantune_neuro.strategies.mean import Mean
    from clantune_neuro.strategies.repeat import Repeat
    from clantune_neuro.tasks.base import Task, TaskContext
    from clantune_neuro.tasks.score import Score

__all__ = [
    "Append",
    "Birth",
    "BirthError",
    "Blueprint",
    "BlueprintError",
    "ByPosition",
    "DirectoryError",
    "Duplicate",
    "EvaluationError",
    "Evolve",
    "Gene",
    "GivenBirths",
    "LethalRate",
    "Lexicographic",
    "Lineage",
    "LineageAllele",
    "LineageError",
    "Mean",
    "NetworkError",
    "NeuroError",
    "NeuroRecipe",
    "Nursery",
    "OnePoint",
    "OperatorError",
    "RangeError",
    "Repeat",
    "Score",
    "StrengthError",
    "Task",
    "TaskContext",
    "TaskError",
    "Union",
    "operator",
]

_MODULES = {
    "lineage.blueprint": ("Blueprint", "LineageAllele"),
    "lineage.gene": ("Gene",),
    "lineage.lineage": ("Lineage",),
    "lineage.registry": ("operator",),
    "lineage.tensors": ("Birth",),
    "recipes": ("NeuroRecipe",),
    "replay.given": ("GivenBirths",),
    "replay.nursery": ("Nursery",),
    "run.evolve": ("Evolve",),
    "strategies.append": ("Append",),
    "strategies.crossovers": ("ByPosition", "OnePoint", "Union"),
    "strategies.duplicate": ("Duplicate",),
    "strategies.lethal": ("LethalRate",),
    "strategies.lexicographic": ("Lexicographic",),
    "strategies.mean": ("Mean",),
    "strategies.repeat": ("Repeat",),
    "tasks.base": ("Task", "TaskContext"),
    "tasks.score": ("Score",),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is used first: torch takes seconds."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    modules = (module for module, names in _MODULES.items() if name in names)
    module = importlib.import_module(f"{__name__}.{next(modules, 'errors')}")
    found = globals()[name] = getattr(module, name)
    return found
