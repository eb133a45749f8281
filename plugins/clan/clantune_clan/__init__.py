"""Clans for ClanTune: members that train with hyperparameters of their own and share gradients."""

from clantune_clan.average import WeightAverage
from clantune_clan.clan import Clan
from clantune_clan.communication import Communication
from clantune_clan.construction import build_state
from clantune_clan.errors import (
    ClanError,
    CommunicationError,
    GradientError,
    LoaderError,
    OverwrittenError,
    PathError,
)
from clantune_clan.expression import Expressed, Expression, GenomeExpression
from clantune_clan.gradients import Gradients
from clantune_clan.individual import Individual
from clantune_clan.loader import ClanLoader, clan_loader
from clantune_clan.nodes import TreeNodeHandler
from clantune_clan.schedule import Schedule
from clantune_clan.state import State

Member = Individual
"""What the individual is called in a training loop."""

__all__ = [
    "Clan",
    "ClanError",
    "ClanLoader",
    "Communication",
    "CommunicationError",
    "Expressed",
    "Expression",
    "GenomeExpression",
    "GradientError",
    "Gradients",
    "Individual",
    "LoaderError",
    "Member",
    "OverwrittenError",
    "PathError",
    "Schedule",
    "State",
    "TreeNodeHandler",
    "WeightAverage",
    "build_state",
    "clan_loader",
]
