"""Clans for ClanTune: members that train with hyperparameters of their own and share gradients."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clantune_clan.checkpoint import Checkpoints
    from clantune_clan.communication import Communication, init
    from clantune_clan.errors import (
        CheckpointError,
        ClanError,
        CommunicationError,
        GradientError,
        LoaderError,
        OverwrittenError,
        PathError,
    )
    from clantune_clan.loader import ClanLoader, clan_loader
    from clantune_clan.member import (
        Expression,
        GenomeExpression,
        Individual,
        Optimizers,
        State,
        TrainingState,
        WeightAverage,
        build_state,
    )
    from clantune_clan.observers import MetricsObserver
    from clantune_clan.records import RoundRecord, RunFile, RunStart
    from clantune_clan.reduction import Gradients
    from clantune_clan.run import Clan, Judge, RunState
    from clantune_clan.schedule import Schedule

    Member = Individual
    """The name of `Individual` in a training loop."""

__all__ = [
    "CheckpointError",
    "Checkpoints",
    "Clan",
    "ClanError",
    "ClanLoader",
    "Communication",
    "CommunicationError",
    "Expression",
    "GenomeExpression",
    "GradientError",
    "Gradients",
    "Individual",
    "Judge",
    "LoaderError",
    "Member",
    "MetricsObserver",
    "Optimizers",
    "OverwrittenError",
    "PathError",
    "RoundRecord",
    "RunFile",
    "RunStart",
    "RunState",
    "Schedule",
    "State",
    "TrainingState",
    "WeightAverage",
    "build_state",
    "clan_loader",
    "init",
]

_MODULES = {
    "checkpoint": ("Checkpoints",),
    "communication": ("Communication", "init"),
    "loader": ("ClanLoader", "clan_loader"),
    "member": (
        "Expression",
        "GenomeExpression",
        "Individual",
        "Optimizers",
        "State",
        "TrainingState",
        "WeightAverage",
        "build_state",
    ),
    "observers": ("MetricsObserver",),
    "records": ("RoundRecord", "RunFile", "RunStart"),
    "reduction": ("Gradients",),
    "run": ("Clan", "Judge", "RunState"),
    "schedule": ("Schedule",),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is used first: torch takes seconds, and records need none."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    wanted = "Individual" if name == "Member" else name
    modules = (module for module, names in _MODULES.items() if wanted in names)
    module = importlib.import_module(f"{__name__}.{next(modules, 'errors')}")
    found = globals()[name] = getattr(module, wanted)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
