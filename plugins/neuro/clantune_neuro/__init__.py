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
        EvaluationError,
        LineageError,
        NetworkError,
        NeuroError,
        OperatorError,
        RangeError,
        StrengthError,
        TaskError,
    )
    from clantune_neuro.evaluation.score import Score
    from clantune_neuro.lineage.allele import LineageAllele
    from clantune_neuro.lineage.blueprint import Blueprint
    from clantune_neuro.lineage.gene import Gene
    from clantune_neuro.lineage.lineage import Lineage
    from clantune_neuro.lineage.tensors import Birth
    from clantune_neuro.operators.registry import operator
    from clantune_neuro.replay.given import GivenBirths
    from clantune_neuro.replay.nursery import Nursery
    from clantune_neuro.tasks.base import Task, TaskContext

__all__ = [
    "Birth",
    "BirthError",
    "Blueprint",
    "BlueprintError",
    "EvaluationError",
    "Gene",
    "GivenBirths",
    "Lineage",
    "LineageAllele",
    "LineageError",
    "NetworkError",
    "NeuroError",
    "Nursery",
    "OperatorError",
    "RangeError",
    "Score",
    "StrengthError",
    "Task",
    "TaskContext",
    "TaskError",
    "operator",
]

_MODULES = {
    "evaluation.score": ("Score",),
    # The module of the kind alone would leave the kind without its reader of blueprints.
    "lineage.blueprint": ("Blueprint", "LineageAllele"),
    "lineage.gene": ("Gene",),
    "lineage.lineage": ("Lineage",),
    "lineage.tensors": ("Birth",),
    "operators.registry": ("operator",),
    "replay.given": ("GivenBirths",),
    "replay.nursery": ("Nursery",),
    "tasks.base": ("Task", "TaskContext"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is used first: torch takes seconds."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    modules = (module for module, names in _MODULES.items() if name in names)
    module = importlib.import_module(f"{__name__}.{next(modules, 'errors')}")
    found = globals()[name] = getattr(module, name)
    return found
