"""A run: all rounds from the first to the last, and their results."""

from clantune_clan.records.record import RoundRecord
from clantune_clan.run.clan import Clan
from clantune_clan.run.fitness import Judge
from clantune_clan.run.state import RunState

__all__ = ["Clan", "Judge", "RoundRecord", "RunState"]
