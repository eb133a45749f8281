"""Clans for ClanTune: members that train with hyperparameters of their own and share gradients."""

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
from clantune_clan.reduction import Gradients
from clantune_clan.run import Clan, Judge, RoundRecord, RunState
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
    "RunState",
    "Schedule",
    "State",
    "TrainingState",
    "WeightAverage",
    "build_state",
    "clan_loader",
    "init",
]
